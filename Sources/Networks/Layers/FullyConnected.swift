/// A fully-connected layer, as data.
package struct FullyConnectedSpecification: LayerWithWeights {
  package static let key = "fullyConnected"
  package static let title = "fully connected"

  /// The layer's name.
  package var name: String
  /// Neurons of all towers.
  package var kernels: Int
  /// Which towers' neurons it sees.
  package var reads: Reads
  /// The initial values.
  package var initial: InitialValues
  /// What the weights are called in files, without `.weight`; the layer's name where nil.
  package var tensor: String?

  /// Makes a fully-connected layer from its parts.
  package init(
    name: String, kernels: Int, reads: Reads = .all, initial: InitialValues = InitialValues(),
    tensor: String? = nil
  ) {
    self.name = name
    self.kernels = kernels
    self.reads = reads
    self.initial = initial
    self.tensor = tensor
  }

  package init(name: String) { self.init(name: name, kernels: 0) }

  package var specification: LayerSpecification { .fullyConnected(self) }

  package mutating func visitSettings(_ settings: inout LayerSettings) throws {
    try settings.take("kernels", &kernels, isRequired: true)
    try visitWeights(&settings)
  }

  package func complaint(towers: Int) -> String? { complaintOfWeights(towers: towers) }

  package func output(of input: MapShape, kernels: Int) -> MapShape {
    MapShape(height: 1, width: 1, maps: kernels)
  }

  package func kernel(over inputs: [MapShape]) -> WeightShape {
    WeightShape(
      height: inputs[0].height, width: inputs[0].width, sliceMaps: inputs.map(\.maps), isFlat: true)
  }

  package var isFullyConnected: Bool { true }
  package var gradientsShareWork: Bool { false }
}
