package import AlexNet
import Checkpoints
import Networks
package import System

/// A trained network, opened to explain what it says of pictures.
package struct Explainer {
  /// The network.
  package let classifier: Classifier

  private let layer: String
  private let square: Int
  private let stride: Int

  /// Places of the square that pass through the network together.
  private static let batchSize = 64

  /// - Parameters:
  ///   - network: The network.
  ///   - layer: The layer whose maps are drawn; nil for the last convolution.
  ///   - square: The side of the square that hides parts; nil for a seventh of the crop's.
  ///   - stride: How far it moves, given its side.
  ///   - threads: The threads of all towers.
  /// - Throws: `Failure` (usage) where there is no such layer, or the square is larger than the
  ///   crop, (badData) if tensors are missing.
  package init(
    _ network: TrainedNetwork, layer: String? = nil, square: Int? = nil,
    stride: (_ square: Int) -> Int, threads: Int
  ) throws(Failure) {
    let specification = network.file.network
    let side = specification.inputSide
    self.layer =
      if let layer { try specification.explainedLayer(layer) } else {
        try specification.explainedLayer()
      }
    self.square = square ?? max(1, side / 7)
    guard self.square <= side else {
      throw Failure(
        .usage, "A --square of \(self.square) pixels hides more than the crop, which has \(side).")
    }
    self.stride = max(1, stride(self.square))
    classifier = try Classifier(
      network.file, batchSize: Self.batchSize,
      threadsPerTower: max(1, threads / specification.towers), gradientAt: self.layer)
  }

  /// Explains a class of a picture's middle crop; nil for the most probable one.
  /// - Throws: `Failure` (usage) if the picture has another size, (diverged) if the network's
  ///   outputs are not numbers.
  package func explain(
    _ picture: SquarePicture, label: Int? = nil
  ) throws(Failure) -> Explanation {
    try classifier.explain(picture, label: label, layer: layer, square: square, stride: stride)
  }
}
