package import Layers
import Networks

/// The factors of one layer's learning rates from an epoch on.
package struct LayerRate: Codable, Equatable, Sendable {
  /// The first epoch in which it applies, until the next change; epochs count from 1.
  package var fromEpoch: Int
  /// The factor of the weights' learning rate; 0 freezes them.
  package var weights: Double
  /// The factor of the biases' learning rate; 0 freezes them.
  package var biases: Double

  package init(fromEpoch: Int, weights: Double, biases: Double) {
    self.fromEpoch = fromEpoch
    self.weights = weights
    self.biases = biases
  }
}

extension [LayerRate] {
  /// The factor in an epoch, counted from 1: that of the latest change, or 1 before the first.
  package func factor(_ role: Parameter.Role, epoch: Int) -> Double {
    let latest = filter { $0.fromEpoch <= epoch }.max { $0.fromEpoch < $1.fromEpoch }
    guard let latest else { return 1 }
    return role == .weight ? latest.weights : latest.biases
  }
}

extension Recipe {
  /// The layers' own schedules by tensor name, for the update rule.
  func layerRates(in network: NetworkSpecification) -> [String: [LayerRate]] {
    var rates: [String: [LayerRate]] = [:]
    for layer in network.layers {
      guard let tensor = layer.tensorName, let own = layerRates?[layer.name] else { continue }
      (rates[tensor + ".weight"], rates[tensor + ".bias"]) = (own, own)
    }
    return rates
  }
}
