import Foundation
import Safetensors
package import System

/// The checkpoint that a user's words stand for, and what to say of the choice.
///
/// A run's newest checkpoint and its best can differ widely, so whoever names a run is told which
/// step is used.
package struct ChosenCheckpoint: Sendable {
  /// The checkpoint's file.
  package let path: String
  /// Which step of the run it is, as a sentence; nil if a file was named.
  package let note: String?

  /// Finds the checkpoint at a path; of a run, the newest or the one with the lowest validation
  /// error.
  /// - Throws: `Failure` (usage) if the best of a single file is asked for, (inputMissing) if there
  ///   is no such checkpoint, (badData) if the newest one is damaged.
  package init(named path: String, takesBest: Bool) throws(Failure) {
    let newest = try RunDirectory.checkpoint(named: path)
    guard newest != path else {
      guard !takesBest else {
        throw Failure(
          .usage,
          "--best takes the folder of a run, and \(quoted(path)) is a single checkpoint; leave out "
            + "--best, or name the run.")
      }
      (self.path, note) = (path, nil)
      return
    }
    let state = try Checkpoint.describe(SafetensorsFile(opening: newest)).state
    let validation = state.validation?.step == state.step ? state.validation : nil
    let latest = "step \(state.step)" + Self.error(validation)
    guard takesBest else {
      var note = "Using the newest checkpoint of \(quoted(path)), \(latest)"
      if let best = state.best {
        note +=
          best.step == state.step
          ? ", which is its best too." : "; --best takes step \(best.step)\(Self.error(best))."
      } else {
        note += "."
      }
      (self.path, self.note) = (newest, note)
      return
    }
    guard let best = state.best else {
      throw Failure(
        .inputMissing,
        "The run in \(quoted(path)) has not validated yet, so none of its checkpoints is the best; "
          + "leave out --best to take the newest.")
    }
    self.path = try Self.file(of: best.step, in: RunDirectory(path))
    note =
      "Using the best checkpoint of \(quoted(path)), step \(best.step)\(Self.error(best))"
      + (best.step == state.step ? ", which is its newest too." : "; the newest is \(latest).")
  }

  /// The file with the run's best step: under its own name, or under that of the best.
  private static func file(of step: Int, in run: RunDirectory) throws(Failure) -> String {
    let own = "\(run.path)/\(CheckpointName.checkpoint(afterSteps: step))"
    if run.checkpointFiles.contains(own) {
      if let misnaming = Checkpoint.misnaming(of: own) { throw misnaming }
      return own
    }
    guard FileStatus(run.best) != nil else {
      throw Failure(
        .inputMissing,
        "\(quoted(run.best)) is missing, which holds step \(step), the best of the run; leave out "
          + "--best to take the newest.")
    }
    let held = try Checkpoint.describe(SafetensorsFile(opening: run.best)).state.step
    guard held == step else {
      throw Failure(
        .badData,
        "\(quoted(run.best)) holds step \(held), but the best of the run is step \(step); leave out "
          + "--best to take the newest.")
    }
    return run.best
  }

  private static func error(_ validation: TrainingState.Validation?) -> String {
    validation.map { String(format: " (top-1 error %.2f %%)", $0.top1Error) } ?? ""
  }
}
