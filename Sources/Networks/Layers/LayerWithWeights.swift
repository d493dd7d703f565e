/// A type of layer that learns: kernels of weights with a bias each, split over the towers.
package protocol LayerWithWeights: LayerTraits {
  /// Kernels (neurons) of all towers.
  var kernels: Int { get set }
  /// Which towers' maps the kernels see.
  var reads: Reads { get set }
  /// The initial values.
  var initial: InitialValues { get set }
  /// What the weights are called in files, without `.weight`; the layer's name where nil.
  var tensor: String? { get set }

  /// Whether a kernel is a neuron that sees everything at once: the layer can then be cut into any
  /// number of parts.
  var isFullyConnected: Bool { get }
  /// Whether the gradients by input and by weights have work in common, which is done twice where
  /// they are found apart.
  var gradientsShareWork: Bool { get }
  /// One kernel over the maps of the towers that are read.
  func kernel(over inputs: [MapShape]) -> WeightShape
}

extension LayerWithWeights {
  /// Weights.
  package var role: LayerRole { .weights }
  /// The backward pass needs the input.
  package var inPlace: InPlaceRule { .never }
  /// No: it needs the input.
  package var needsItsOutput: Bool { false }
  /// Nothing.
  package func rememberedBytes(of output: MapShape) -> Int { 0 }
  /// Where kernels see all maps, it is the same whose they are.
  package var dependsOnTowers: Bool { reads != .all }

  /// What its weights are called in files, without `.weight`.
  package var tensorName: String { tensor ?? name }

  /// Hands over what all layers with weights have but the number of kernels.
  mutating func visitWeights(_ settings: inout LayerSettings) throws {
    try settings.take("reads", &reads)
    try settings.take("weightDeviation", &initial.deviation)
    try settings.take("bias", &initial.bias)
    try settings.takeOptional("tensor", &tensor)
  }

  /// What is wrong with what all layers with weights have.
  func complaintOfWeights(towers: Int) -> String? {
    guard (towers...1_000_000).contains(kernels) else {
      return "has \(kernels) kernels; \(towers) (one per tower) to 1000000 are allowed"
    }
    guard (0...1e6).contains(initial.deviation), (-1e6...1e6).contains(initial.bias) else {
      return "needs a finite bias, from -1e6 to 1e6, and a weightDeviation from 0 to 1e6"
    }
    return nil
  }
}

/// The values that training starts from: weights N(0, deviation^2), all biases the same.
package struct InitialValues: Equatable, Sendable {
  /// The standard deviation of the weights.
  package var deviation: Double
  /// Every bias.
  package var bias: Double

  /// Makes initial values.
  package init(deviation: Double = 0.01, bias: Double = 0) {
    self.deviation = deviation
    self.bias = bias
  }
}

/// The weights of one kernel: height x width x the maps of each slice (tower) that it reads.
package struct WeightShape: Equatable, Sendable {
  /// Rows.
  package let height: Int
  /// Columns.
  package let width: Int
  /// The maps of each slice.
  package let sliceMaps: [Int]
  /// Whether it reads vectors: in files it then is one row of numbers, not maps x height x width.
  package let isFlat: Bool

  /// Makes a kernel from its parts.
  package init(height: Int, width: Int, sliceMaps: [Int], isFlat: Bool) {
    self.height = height
    self.width = width
    self.sliceMaps = sliceMaps
    self.isFlat = isFlat
  }

  /// The maps of all slices.
  package var maps: Int { sliceMaps.reduce(0, +) }
  /// All its weights.
  package var length: Int { height * width * maps }
  /// The lengths of its dimensions in files, PyTorch's order.
  package var canonical: [Int] { isFlat ? [length] : [maps, height, width] }
}
