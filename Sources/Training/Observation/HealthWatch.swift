import Foundation
import System

/// Reports problems of a layer in one sentence with the usual remedies, once for each layer and
/// problem.
package struct HealthWatch {
  /// The update/weight ratio below which a layer barely learns: single precision has 24 bits, and
  /// an update of half the last bit is lost.
  ///
  /// Frozen layers do not learn at all, and are ignored.
  private static let leastMovement = 1e-7
  /// The mean activation above which activations explode; pixels are below 256.
  private static let largestActivation = 1e4
  /// The fraction of dead kernels above which a layer is dying.
  private static let largestDeadShare = 0.9
  /// The number of steps before a network is judged.
  package static let firstSteps = 50

  private let remedies: Remedies
  private var said: Set<String> = []

  /// - Parameter remedies: The run's advice.
  package init(_ remedies: Remedies) { self.remedies = remedies }

  private static func explodes(_ layer: LayerHealth) -> Bool {
    layer.activation.map { !$0.isFinite || $0 > largestActivation } ?? false
  }

  private static func isDying(_ layer: LayerHealth, step: Int) -> Bool {
    step >= firstSteps && layer.deadShare ?? 0 > largestDeadShare
  }

  /// Examines the layers after a number of steps.
  /// - Returns: Sentences for the user.
  package mutating func note(_ layers: [LayerHealth], step: Int) -> [String] {
    var sentences: [String] = []
    func say(_ ailment: String, _ layer: LayerHealth, _ sentence: String) {
      if said.insert(ailment + layer.name).inserted { sentences.append(sentence) }
    }
    // Small updates before a dead layer come of the dead layer.
    if layers.contains(where: { Self.explodes($0) || Self.isDying($0, step: step) }) {
      remedies.lean(.smaller)
    }
    for layer in layers {
      let name = layer.name
      if let activation = layer.activation, Self.explodes(layer) {
        say(
          "explodes", layer,
          String(
            format: "The activations of %@ are %.3g on average: they explode.", name, activation)
            + remedies.sentence(.smaller))
      }
      guard step >= Self.firstSteps else { continue }
      if let share = layer.deadShare, Self.isDying(layer, step: step) {
        say(
          "is dead", layer,
          String(
            format:
              "%.0f %% of the kernels of %@ output only zeros for all images of the last batch: "
              + "they are dead.", 100 * share, name) + remedies.sentence(.smaller))
      } else if layer.update > 0 && layer.update < Self.leastMovement * layer.weight {
        say(
          "stands", layer,
          String(
            format: "%@ barely learns: update/weight ratio %.1e.", name,
            layer.update / max(layer.weight, .leastNormalMagnitude))
            + remedies.sentence(.larger))
      }
    }
    return sentences
  }
}
