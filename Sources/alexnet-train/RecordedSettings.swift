import MPI
import Networks
import Options
import System
import Training

/// What is recorded of a run's settings, which hold where no option gives others: by the run that
/// goes on, and by the file of `--config`.
struct RecordedSettings {
  /// The settings of the run that `--resume` goes on with; nil for a new run.
  let run: TrainingSettings?
  /// Whether that has a checkpoint, so that nothing of `--init-from` is read any more.
  let hasCheckpoint: Bool
  /// The settings in the file of `--config`.
  let file: TrainingSettings?

  /// Reads it; all ranks call this together, and the first one reads for all.
  init(_ arguments: Arguments, _ world: Communicator) throws {
    var (text, path) = ("", "")
    if let mode = ResumeMode(arguments) {
      guard let out = arguments[TrainOptions.out] else {
        throw Failure(.usage, "--resume needs --out, the folder of the run to continue.")
      }
      let run = RunDirectory(out)
      if world.rank == 0, mode != .auto || run.holdsTraining {
        // Links are not followed.
        if run.holdsTraining { try run.check() }
        text = (run.checkpointFiles.isEmpty ? "-" : "+") + (try run.settingsToGoOnWith().json)
      }
      (text, path) = (try world.broadcast(text, from: 0), run.configuration)
    }
    hasCheckpoint = text.hasPrefix("+")
    run = text.isEmpty ? nil : try TrainingSettings(String(text.dropFirst()), from: path)
    file = try arguments[TrainOptions.config].map { path in
      try TrainingSettings(
        world.broadcast(
          world.rank == 0 ? TrainingSettings(configuration: path).json : "", from: 0), from: path)
    }
  }

  /// The settings that hold where no option gives others; nil for the program's own.
  var settings: TrainingSettings? { file ?? run }

  /// What differs from the file of `--config` though no option says so: one sentence each.
  func warnings(_ settings: TrainingSettings, _ arguments: Arguments) -> [String] {
    guard let file, let path = arguments[TrainOptions.config] else { return [] }
    var sentences: [String] = []
    if !arguments.has(TrainOptions.data), file.datasetChecksum != settings.datasetChecksum {
      sentences.append(
        "the dataset \(quoted(settings.dataset)) is not as it was for \(quoted(path)): its "
          + "checksum differs.")
    }
    if file.threadsPerTower != settings.threadsPerTower {
      sentences.append(
        "the run of \(quoted(path)) used "
          + "\(counted(file.threadsPerTower, "thread", "threads")) per tower and this one uses "
          + "\(settings.threadsPerTower): sums are rounded differently.")
    }
    return sentences
  }
}
