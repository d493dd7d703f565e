import Foundation
import System

/// Names what ails a layer, in one sentence with the usual remedies, once for each layer and ailment.
package struct HealthWatch: Sendable {
  /// A layer barely learns where a step changes its weights by less than this share of them: single precision
  /// has 24 bits, and an update of half of the last one is lost.
  ///
  /// One that is frozen does not learn at all, and is left alone.
  package static let leastMovement = 1e-7
  /// Activations explode above this mean; pixels are below 256.
  package static let largestActivation = 1e4
  /// A layer is dying where more than this share of its kernels is dead.
  package static let largestDeadShare = 0.9
  /// Steps that a network is given to get going.
  package static let firstSteps = 50

  private let learningRate: Double
  private var said: Set<String> = []

  /// Makes a watch.
  /// - Parameter learningRate: That of the run's start.
  package init(learningRate: Double) { self.learningRate = learningRate }

  /// Takes note of the layers after a number of steps.
  /// - Returns: Sentences for the user.
  package mutating func note(_ layers: [LayerHealth], step: Int) -> [String] {
    var sentences: [String] = []
    func say(_ ailment: String, _ layer: LayerHealth, _ sentence: String) {
      if said.insert(ailment + layer.name).inserted { sentences.append(sentence) }
    }
    for layer in layers {
      let name = layer.name
      if let activation = layer.activation,
        !activation.isFinite || activation > Self.largestActivation
      {
        say(
          "explodes", layer,
          String(
            format: "The activations of %@ are %.3g on average: they explode. ", name, activation)
            + "Try --learning-rate \(plain(learningRate / 10)), or start again from an earlier checkpoint."
        )
      }
      guard step >= Self.firstSteps else { continue }
      if let share = layer.deadShare, share > Self.largestDeadShare {
        say(
          "is dead", layer,
          String(
            format:
              "%.0f %% of the kernels of %@ output only zeros for all images of the last batch: "
              + "they are dead. ", 100 * share, name)
            + "Try --learning-rate \(plain(learningRate / 10)), or --recipe code2012, whose conv3-5 start from larger "
            + "weights.")
      } else if layer.update > 0 && layer.update < Self.leastMovement * layer.weight {
        say(
          "stands", layer,
          String(
            format: "%@ barely learns: update/weight ratio %.1e. ", name,
            layer.update / max(layer.weight, .leastNormalMagnitude))
            + "Try --learning-rate \(plain(learningRate * 10)), or --recipe code2012, whose conv3-5 start from larger "
            + "weights.")
      }
    }
    return sentences
  }
}
