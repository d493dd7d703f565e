/// A convolution, as data.
package struct ConvolutionSpecification: LayerWithWeights {
  package static let key = "convolution"
  package static let title = "a convolution"

  /// The layer's name.
  package var name: String
  /// Kernels of all towers.
  package var kernels: Int
  /// Size, stride, padding and rounding.
  package var window: Window
  /// Groups that kernels and maps of a tower fall into.
  package var groups: Int
  /// Which towers' maps the kernels see.
  package var reads: Reads
  /// The initial values.
  package var initial: InitialValues
  /// What the weights are called in files, without `.weight`; the layer's name where nil.
  package var tensor: String?

  /// Makes a convolution from its parts.
  package init(
    name: String, kernels: Int, window: Window, groups: Int = 1, reads: Reads = .own,
    initial: InitialValues = InitialValues(), tensor: String? = nil
  ) {
    self.name = name
    self.kernels = kernels
    self.window = window
    self.groups = groups
    self.reads = reads
    self.initial = initial
    self.tensor = tensor
  }

  package init(name: String) {
    self.init(name: name, kernels: 0, window: Window(size: 0, stride: 1))
  }

  package var specification: LayerSpecification { .convolution(self) }

  package mutating func visitSettings(_ settings: inout LayerSettings) throws {
    try settings.take("kernels", &kernels, isRequired: true)
    try window.visitSettings(&settings)
    try settings.take("groups", &groups)
    try visitWeights(&settings)
  }

  package func complaint(towers: Int) -> String? {
    window.complaint(longest: 4096) ?? complaintOfWeights(towers: towers)
      ?? (groups < 1 ? "has \(groups) groups; 1 or more are allowed" : nil)
  }

  package func complaint(at shape: LayerShape) -> String? {
    guard groups > 1 else { return nil }
    let fits =
      shape.inputs.count == 1 && shape.inputs[0].maps % groups == 0
      && shape.kernels.count % groups == 0
    return fits
      ? nil
      : "cannot have \(groups) groups of \(shape.inputs.reduce(0) { $0 + $1.maps }) "
        + "maps and \(shape.kernels.count) kernels per tower: groups must divide both, and the "
        + "layer must read its own tower"
  }

  package func output(of input: MapShape, kernels: Int) -> MapShape {
    window.output(over: input, maps: kernels)
  }

  package func kernel(over inputs: [MapShape]) -> WeightShape {
    WeightShape(
      height: window.size, width: window.size, sliceMaps: inputs.map { $0.maps / groups },
      isFlat: false)
  }

  package var isFullyConnected: Bool { false }
  /// The transforms, or patches, of the gradient and of the input.
  package var gradientsShareWork: Bool { true }
  /// Few weights and much work for each image.
  package var hidesMessages: Bool { true }
}
