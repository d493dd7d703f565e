import AlexNet
import Failures
import Foundation
import MPI
import Options
import Safetensors
import Training

extension TrainCommand {
  /// Opens the run's folder, and the checkpoint to go on from where there is one; all ranks call it together.
  func open(
    _ arguments: Arguments, _ settings: TrainingSettings
  ) throws -> (RunDirectory, SafetensorsFile?) {
    let fresh = "runs/\(settings.network.name)-\(Self.timeStamp)"
    let run = RunDirectory(try world.broadcast(arguments.string("out") ?? fresh, from: 0))
    guard arguments.has("resume") else {
      if world.rank == 0 { try run.create() }
      try world.barrier()
      return (run, nil)
    }
    // All ranks go on from the file that the first one sees.
    let newest = try world.broadcast(run.checkpointFiles.last ?? "", from: 0)
    let checkpoint = newest.isEmpty ? nil : try SafetensorsFile(opening: newest)
    let saved = try checkpoint.map(Checkpoint.describe)?.settings ?? run.savedSettings()
    let differences = settings.differences(from: saved)
    guard differences.isEmpty else {
      throw Failure(
        .usage,
        "\(quoted(run.path)) holds a run with other settings: \(differences.joined(separator: "; ")). "
          + "Give the same options, or start a new run with another --out.")
    }
    if saved.threadsPerTower != settings.threadsPerTower {
      say(
        "Warning: the run had \(saved.threadsPerTower) threads a tower and goes on with "
          + "\(settings.threadsPerTower): sums are rounded otherwise from here on.\n")
    }
    return (run, checkpoint)
  }

  static var timeStamp: String {
    let format = DateFormatter()
    format.locale = Locale(identifier: "en_US_POSIX")
    format.dateFormat = "yyyyMMdd-HHmmss"
    return format.string(from: Date())
  }
}
