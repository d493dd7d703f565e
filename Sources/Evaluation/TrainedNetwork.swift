package import Checkpoints
package import Data
import Images
import Networks
import Safetensors
package import System
package import Training

/// A checkpoint to evaluate, with the settings of the run that wrote it.
package struct TrainedNetwork: Sendable {
  /// The network, its class names and how it reads pictures.
  package let file: NetworkFile
  /// The run's settings; nil if the network was not trained by this program.
  package let settings: TrainingSettings?
  /// The number of training steps; nil likewise.
  package let steps: Int?
  /// Which step of a run it is, as a sentence; nil if a file was named.
  package let choice: String?

  /// Opens a checkpoint, or the newest or the best one of a run.
  /// - Throws: `Failure` (inputMissing) if there is none, (badData) if it is not a complete
  ///   checkpoint.
  package init(opening path: String, takesBest: Bool = false) throws(Failure) {
    try self.init(ChosenCheckpoint(named: path, takesBest: takesBest))
  }

  /// Opens a checkpoint that has been chosen.
  /// - Throws: `Failure` (badData) if it is not a complete checkpoint.
  package init(_ chosen: ChosenCheckpoint) throws(Failure) {
    file = try NetworkFile(opening: chosen.path)
    choice = chosen.note
    // A file with only weights has no training settings.
    let texts = file.file.header.metadata
    let description =
      texts["settings"] == nil || texts["state"] == nil ? nil : try Checkpoint.describe(file.file)
    settings = description?.settings
    steps = description?.state.step
  }

  /// The checkpoint's path.
  package var path: String { file.file.path }

  /// The batch size of the run's validation.
  ///
  /// With the same batch size and threads per tower, results are the same to the last bit.
  package var batchSize: Int { settings?.recipe.batchSize ?? 128 }

  /// Checks that a dataset's pictures have the network's size; `ClassMatching` checks the classes.
  /// - Throws: `Failure` (usage) that gives both sizes.
  package func check(fits dataset: Dataset) throws(Failure) {
    let network = file.network
    guard dataset.side == network.imageSide else {
      throw Failure(
        .usage,
        "The images of \(quoted(dataset.path)) are \(dataset.side) pixels wide and the network in "
          + "\(quoted(path)) reads \(network.imageSide); prepare them with --size "
          + "\(network.imageSide)."
      )
    }
  }

  /// A warning if a dataset's pictures were prepared differently from the network's training
  /// pictures; nil if not.
  package func notice(on dataset: Dataset) -> String? {
    let own = file.preprocessing.resizing
    guard own == dataset.resizing else {
      return
        "The pictures of \(quoted(dataset.path)) were prepared with --resize "
        + "\(dataset.resizing.rawValue), but \(quoted(path)) reads pictures prepared with --resize "
        + "\(own.rawValue)."
    }
    return dataset.enlargingNotice
  }

  /// Checks that two networks have the same classes, so that their outputs can be averaged.
  /// - Throws: `Failure` (usage) that says how they differ.
  package func check(averagesWith other: TrainedNetwork) throws(Failure) {
    try Self.check(
      classes: file.preprocessing.classNames, of: quoted(path),
      against: other.file.preprocessing.classNames, of: quoted(other.path))
    let (side, otherSide) = (file.network.imageSide, other.file.network.imageSide)
    guard side == otherSide else {
      throw Failure(
        .usage,
        "\(quoted(path)) reads pictures of \(side) pixels and \(quoted(other.path)) of "
          + "\(otherSide); networks that are averaged must read the same pictures.")
    }
  }

  private static func check(
    classes: [String], of first: String, against others: [String], of second: String
  ) throws(Failure) {
    guard classes != others else { return }
    guard classes.count == others.count else {
      throw Failure(
        .usage,
        "\(first) has \(classes.count) classes and \(second) \(others.count); they must be the "
          + "same."
      )
    }
    guard let difference = ClassMap.difference(classes, in: first, others, in: second) else {
      return
    }
    throw Failure(
      .usage,
      "\(first) and \(second) cannot be averaged: \(difference); train them on one dataset.")
  }
}
