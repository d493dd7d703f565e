package import Layers
import Networks

/// What the learning rates of one layer are multiplied by from an epoch on.
package struct LayerRate: Codable, Equatable, Sendable {
  /// The first epoch that it holds in, up to the next change; epochs count from 1.
  package var fromEpoch: Int
  /// The factor of the weights' rate; at 0 they do not change at all.
  package var weights: Double
  /// The factor of the biases' rate; at 0 they do not change at all.
  package var biases: Double

  /// Makes it from its parts.
  package init(fromEpoch: Int, weights: Double, biases: Double) {
    self.fromEpoch = fromEpoch
    self.weights = weights
    self.biases = biases
  }
}

extension [LayerRate] {
  /// The factor in an epoch, counted from 1: that of the latest change, 1 before the first.
  package func factor(_ role: Parameter.Role, epoch: Int) -> Double {
    let latest = filter { $0.fromEpoch <= epoch }.max { $0.fromEpoch < $1.fromEpoch }
    guard let latest else { return 1 }
    return role == .weight ? latest.weights : latest.biases
  }
}

extension Recipe {
  /// The layers' own schedules by the names of the tensors, as the update rule asks for them.
  func layerRates(in network: NetworkSpecification) -> [String: [LayerRate]] {
    var rates: [String: [LayerRate]] = [:]
    for layer in network.layers {
      guard let tensor = layer.tensorName, let own = layerRates?[layer.name] else { continue }
      (rates[tensor + ".weight"], rates[tensor + ".bias"]) = (own, own)
    }
    return rates
  }
}
