import Data
import MPI
import Options
import Supervision
import System
import Training

extension TrainCommand {
  /// Copies the dataset to each host's own disk where that was asked for; all ranks call this
  /// together.
  /// - Returns: Where the dataset is to be read, nil for the demonstration's; and whether the run
  ///   was asked to stop meanwhile.
  func stageDataset() throws -> (path: String?, isStopped: Bool) {
    guard let folder = arguments[TrainOptions.stageData] else {
      return (dataPath, false)
    }
    guard let source = dataPath else {
      throw Failure(.usage, "--stage-data copies the dataset of --data; name one.")
    }
    if arguments[TrainOptions.dryRun] { return (source, false) }
    Activity.begin("copying the dataset")
    let copy = try StagedDataset(of: source, in: folder)
    let host = try world.ranksOnThisHost()
    let isMissing = host.rank == 0 && !copy.isThere
    let hosts = Int(try world.allReduce(Int64(isMissing ? 1 : 0), .sum))
    if hosts > 0 {
      say(
        "Copying the dataset, \(copy.bytes >> 20) MiB, to \(quoted(copy.path)) on "
          + "\(counted(hosts, "host", "hosts")).\n")
    }
    var isStopped = false
    if host.rank == 0 { isStopped = try !copy.make { StopSignals.current >= .saveAndLeave } }
    // The others must not use the cores for waiting.
    try world.sleepingBarrier()
    isStopped = try world.allReduce(Int64(isStopped ? 1 : 0), .max) != 0
    if !isStopped { say("The dataset is read from \(quoted(copy.path)).\n") }
    return (copy.path, isStopped)
  }
}
