package import Checkpoints
package import Data
import Images
import Networks
import Safetensors
package import System
package import Training

/// A checkpoint to be measured, with what the run that wrote it says about itself.
package struct TrainedNetwork: Sendable {
  /// The network, its class names and how it reads pictures.
  package let file: NetworkFile
  /// The run's settings; nil where the network was not trained by this program.
  package let settings: TrainingSettings?
  /// The steps that it was trained for; nil likewise.
  package let steps: Int?

  /// Opens a checkpoint, or the newest one of a run.
  /// - Parameter path: A checkpoint, or the folder of a run.
  /// - Throws: `Failure` (inputMissing) where there is none, (badData) where it is no whole checkpoint.
  package init(opening path: String) throws(Failure) {
    file = try NetworkFile(opening: RunDirectory.checkpoint(named: path))
    // A file of weights alone tells nothing of a training.
    let texts = file.file.header.metadata
    let description =
      texts["settings"] == nil || texts["state"] == nil ? nil : try Checkpoint.describe(file.file)
    settings = description?.settings
    steps = description?.state.step
  }

  /// Where the checkpoint is.
  package var path: String { file.file.path }

  /// Images that the run validated at once, and threads of each tower: with the same ones the arithmetic is the
  /// same to the last bit.
  package var batchSize: Int { settings?.recipe.batchSize ?? 128 }

  /// Makes sure that a dataset's pictures are of the network's size; `ClassMatching` looks at the classes.
  /// - Throws: `Failure` (usage) that says which differ.
  package func check(fits dataset: Dataset) throws(Failure) {
    let network = file.network
    guard dataset.side == network.imageSide else {
      throw Failure(
        .usage,
        "The images of \(quoted(dataset.path)) are \(dataset.side) pixels wide and the network in "
          + "\(quoted(path)) reads \(network.imageSide); prepare them with --size \(network.imageSide)."
      )
    }
  }

  /// What a user should know of how a dataset's pictures were made, compared with what the network is used to; nil where
  /// there is nothing.
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

  /// Makes sure that two networks tell the same classes apart, so that their outputs can be averaged.
  /// - Throws: `Failure` (usage) that says how they differ.
  package func check(averagesWith other: TrainedNetwork) throws(Failure) {
    try Self.check(
      classes: file.preprocessing.classNames, of: quoted(path),
      against: other.file.preprocessing.classNames, of: quoted(other.path))
    let (side, otherSide) = (file.network.imageSide, other.file.network.imageSide)
    guard side == otherSide else {
      throw Failure(
        .usage,
        "\(quoted(path)) reads pictures of \(side) pixels and \(quoted(other.path)) of \(otherSide); "
          + "networks that are averaged must read the same pictures.")
    }
  }

  private static func check(
    classes: [String], of first: String, against others: [String], of second: String
  ) throws(Failure) {
    guard classes != others else { return }
    guard classes.count == others.count else {
      throw Failure(
        .usage,
        "\(first) has \(classes.count) classes and \(second) \(others.count); they must be the same."
      )
    }
    let place = zip(classes, others).enumerated().first { $0.element.0 != $0.element.1 }
    let number = (place?.offset ?? 0) + 1
    let names =
      "class \(number) is \(quoted(place?.element.0 ?? "")) in the one and "
      + "\(quoted(place?.element.1 ?? "")) in the other"
    throw Failure(
      .usage,
      classes.sorted() == others.sorted()
        ? "\(first) has the classes of \(second) in another order (\(names)); train them on one dataset."
        : "\(first) and \(second) have different classes: \(names).")
  }
}
