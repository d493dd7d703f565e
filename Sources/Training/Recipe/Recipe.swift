package import Data
package import Networks

/// How a network is trained: everything that the paper (section 5) or its authors' code settles.
package struct Recipe: Codable, Equatable, Sendable {
  /// Which of the two sources the recipe follows.
  package var name: RecipeName
  /// The learning rate of the weights at the start.
  package var learningRate: Double
  /// How the learning rate falls.
  package var schedule: LearningRateSchedule
  /// The momentum coefficient: what the velocity is multiplied by at each step.
  package var momentum: Double
  /// The share of a weight that a step of learning rate 1 takes away.
  package var weightDecay: Double
  /// The factor of the biases' learning rate.
  package var biasLearningRateFactor: Double
  /// Whether biases decay as weights do.
  package var biasesDecay: Bool
  /// Whether the biases' learning rate falls with the weights'.
  package var biasesAnneal: Bool
  /// Epochs after which training ends.
  package var epochs: Int
  /// Images in a batch.
  package var batchSize: Int
  /// What is done to the images.
  package var augmentation: Augmentation
  /// Layers whose learning rates have a schedule of their own, by their names; nil for none.
  package var layerRates: [String: [LayerRate]]?

  /// The recipe of the paper's text.
  package static let paper = Recipe(
    name: .paper, learningRate: 0.01,
    schedule: .plateau(divisor: 10, reductions: 3, patience: 5, threshold: 0.1),
    momentum: 0.9, weightDecay: 0.0005, biasLearningRateFactor: 1, biasesDecay: true,
    biasesAnneal: true, epochs: 90, batchSize: 128, augmentation: .paper)

  /// The recipe of the authors' 2012 source code (layers-145.cfg, layer-params-145.cfg).
  package static let code2012 = Recipe(
    name: .code2012, learningRate: 0.01,
    schedule: .epochs(divisor: 10, from: [25, 51, 79]),
    momentum: 0.9, weightDecay: 0.0005, biasLearningRateFactor: 2, biasesDecay: false,
    biasesAnneal: false, epochs: 91, batchSize: 128, augmentation: .code2012,
    layerRates: [
      "conv1": [
        LayerRate(fromEpoch: 67, weights: 0.1, biases: 1),
        LayerRate(fromEpoch: 72, weights: 0, biases: 0),
      ]
    ])

  /// The recipe of a name.
  package static func named(_ name: RecipeName) -> Recipe {
    switch name {
    case .paper: paper
    case .code2012: code2012
    }
  }
}
