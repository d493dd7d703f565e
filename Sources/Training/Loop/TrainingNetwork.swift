import Data
import ModelParallel
import Networks
import Towers

extension Network {
  /// Builds the network that settings describe, with its initial weights.
  convenience init(
    _ settings: TrainingSettings, for dataset: Dataset, _ placement: Placement,
    _ parallelism: Parallelism
  ) throws {
    let recipe = settings.recipe
    try self.init(
      settings.network, placement: placement,
      options: NetworkOptions(
        batchSize: recipe.partSize, threadsPerTower: settings.threadsPerTower, seed: settings.seed,
        isTrained: true, frozenLayers: settings.fineTuning?.frozenLayers ?? [],
        algorithm: settings.algorithm, precision: settings.layerPrecision,
        scheme: parallelism.scheme,
        formats: settings.wireFormats,
        objective: Objective(
          smoothing: recipe.labelSmoothing ?? 0,
          classWeights: recipe.balance == .weights
            ? ClassBalance.weights(dataset.counts(.train)) : nil)))
  }
}
