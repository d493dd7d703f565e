/// Neurons dropped in training; scaled up there, or down at test as in the paper; as data.
package struct DropoutSpecification: LayerTraits {
  package static let key = "dropout"
  package static let title = "a dropout"

  /// The layer's name.
  package var name: String
  /// The fraction of neurons that is dropped.
  package var probability: Double
  /// Whether what is kept is scaled up in training, and not down at test.
  package var scalesInTraining: Bool

  /// Makes a dropout from its parts.
  package init(name: String, probability: Double, scalesInTraining: Bool = false) {
    self.name = name
    self.probability = probability
    self.scalesInTraining = scalesInTraining
  }

  package init(name: String) { self.init(name: name, probability: 0.5) }

  package var specification: LayerSpecification { .dropout(self) }

  package mutating func visitSettings(_ settings: inout LayerSettings) throws {
    try settings.take("probability", &probability)
    // Left out where it is the paper's, so that descriptions of before are what they were.
    try settings.take("scalesInTraining", &scalesInTraining, isWritten: scalesInTraining)
  }

  package func complaint(towers: Int) -> String? {
    (0..<1).contains(probability)
      ? nil : "has a dropout probability of \(probability); 0 to below 1 is allowed"
  }

  package var role: LayerRole { .dropout }
  package func output(of input: MapShape, kernels: Int) -> MapShape { input }
  package var dependsOnTowers: Bool { false }
  package var isIdentityAtTest: Bool { scalesInTraining }

  package var inPlace: InPlaceRule { scalesInTraining ? .changesNumbers : .keepsNumbers }
  /// No: the mask will do.
  package var needsItsOutput: Bool { false }
  /// The mask, a number a neuron.
  package func rememberedBytes(of output: MapShape) -> Int {
    output.count * MemoryLayout<Float>.stride
  }
}

extension LayerSpecification {
  /// A dropout.
  package static func dropout(
    name: String, probability: Double, scalesInTraining: Bool = false
  ) -> LayerSpecification {
    .dropout(
      DropoutSpecification(
        name: name, probability: probability, scalesInTraining: scalesInTraining))
  }
}
