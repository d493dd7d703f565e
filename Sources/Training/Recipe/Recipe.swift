package import Data
package import Networks

/// How a network is trained: everything that the paper (section 5) or its authors' code specifies.
package struct Recipe: Codable, Equatable, Sendable {
  /// The source that the recipe follows.
  package var name: RecipeName
  /// The initial learning rate of the weights.
  package var learningRate: Double
  /// How the learning rate falls.
  package var schedule: LearningRateSchedule
  /// The momentum coefficient, by which the velocity is multiplied at each step.
  package var momentum: Double
  /// The weight decay coefficient.
  package var weightDecay: Double
  /// The factor of the biases' learning rate, relative to the weights'.
  package var biasLearningRateFactor: Double
  /// Whether weight decay applies to biases.
  package var biasesDecay: Bool
  /// Whether the biases' learning rate falls together with the weights'.
  package var biasesAnneal: Bool
  /// The number of epochs after which training ends.
  package var epochs: Int
  /// The number of images in a batch.
  package var batchSize: Int
  /// The augmentation of the images.
  package var augmentation: Augmentation
  /// The learning-rate schedules of single layers, by layer name; nil for none.
  package var layerRates: [String: [LayerRate]]?
  /// The steps over which the learning rate grows linearly from 0 to its value; nil for none.
  package var warmUp: Int?
  /// The largest norm of all gradients together; nil for no limit.
  package var clipNorm: Double?
  /// The parts in which a batch passes, one after the other; nil for one.
  package var accumulate: Int?
  /// What is done for classes of different sizes; nil for nothing.
  package var balance: ClassBalance?
  /// LARS's factor of the layers' learning rates; nil for plain SGD.
  package var trust: Double?
  /// The batch size that the learning rate is meant for; nil for the batch size.
  package var baseBatch: Int?
  /// The share of a target that is spread over all classes; nil for none.
  package var labelSmoothing: Double?

  /// Whether the schedule is made for the number of epochs, so that another number stretches it.
  package var hasLength: Bool {
    switch schedule {
    case .epochs, .steps, .cosine: true
    case .plateau, .table, .constant: layerRates != nil || augmentation.colourNoiseEndEpoch != nil
    }
  }

  /// By what the learning rate grows with the batch.
  var batchFactor: Double { baseBatch.map { Double(batchSize) / Double($0) } ?? 1 }

  /// The parts in which a batch passes.
  package var parts: Int { accumulate ?? 1 }
  /// The images of a part.
  package var partSize: Int { batchSize / parts }

  /// The validations without a better error after which the paper's recipe divides the learning
  /// rate.
  static let usualPatience = 5
  /// LARS's factor where none is given.
  package static let usualTrust = 0.001

  /// The recipe of the paper's text.
  package static let paper = Recipe(
    name: .paper, learningRate: 0.01,
    schedule: .plateau(divisor: 10, reductions: 3, patience: usualPatience, threshold: 0.1),
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

  /// The recipe with a name.
  package static func named(_ name: RecipeName) -> Recipe {
    switch name {
    case .paper: paper
    case .code2012: code2012
    }
  }

  /// The recipe over another number of epochs: what happens at some time happens after the same
  /// share of the run.
  ///
  /// What happens at the beginning of an epoch does not happen before the second one, and of what
  /// comes to the same epoch only the last happens. A table of rates is as it was written.
  package mutating func stretch(toEpochs epochs: Int) {
    let share = Double(epochs) / Double(self.epochs)
    func moved(_ epoch: Int) -> Int { max(2, 1 + Int((Double(epoch - 1) * share).rounded())) }
    switch schedule {
    case .epochs(let divisor, let first):
      schedule = .epochs(divisor: divisor, from: Set(first.map(moved)).sorted())
    case .steps(let divisor, let done):
      schedule = .steps(divisor: divisor, epochs: done.map { $0 * share })
    case .cosine(let length): schedule = .cosine(epochs: length * share)
    case .plateau, .table, .constant: break
    }
    layerRates = layerRates?.mapValues { rates in
      let moved = rates.map {
        LayerRate(fromEpoch: moved($0.fromEpoch), weights: $0.weights, biases: $0.biases)
      }
      return moved.indices.filter { place in
        !moved[(place + 1)...].contains { $0.fromEpoch == moved[place].fromEpoch }
      }.map { moved[$0] }
    }
    augmentation.colourNoiseEndEpoch = augmentation.colourNoiseEndEpoch.map(moved)
    self.epochs = epochs
  }
}
