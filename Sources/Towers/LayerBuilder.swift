import Layers
import ModelParallel
import Networks
import System
import Tensors

/// Makes the layers of one tower from their description.
struct LayerBuilder {
  private let part: TowerPart
  private let options: NetworkOptions
  private let team: ThreadTeam

  init(_ part: TowerPart, options: NetworkOptions, team: ThreadTeam) {
    self.part = part
    self.options = options
    self.team = team
  }

  /// A layer with its initial values.
  func layer(_ shape: LayerShape) -> any Layer {
    let input = shape.inputs[0]
    switch shape.layer {
    case .convolution(let layer):
      let inputs = shape.inputs.map { $0.maps / layer.groups }
      let parameters = parameters(
        name: layer.tensor ?? layer.name, shape: shape, kernels: layer.kernels,
        height: layer.window.size, width: layer.window.size, sliceMaps: inputs, isFlat: false,
        layer.initial)
      return Convolution(
        name: layer.name, inputs: shape.inputs, window: layer.window, groups: layer.groups,
        weight: parameters.weight, bias: parameters.bias, choice: options.algorithm,
        images: options.batchSize, team: team)
    case .fullyConnected(let layer):
      let parameters = parameters(
        name: layer.tensor ?? layer.name, shape: shape, kernels: layer.kernels,
        height: input.height,
        width: input.width, sliceMaps: shape.inputs.map(\.maps), isFlat: true, layer.initial)
      return FullyConnected(
        name: layer.name, inputs: shape.inputs, weight: parameters.weight, bias: parameters.bias,
        team: team)
    case .relu(let name): return ReLU(name: name, input: input, team: team)
    case .tanh(let name): return HyperbolicTangent(name: name, input: input, team: team)
    case .responseNormalization(let layer):
      return ResponseNormalization(
        name: layer.name, input: input, size: layer.size, constant: layer.constant,
        scale: layer.scale, exponent: layer.exponent, team: team)
    case .spatialNormalization(let layer):
      return SpatialNormalization(
        name: layer.name, input: input, size: layer.size, constant: layer.constant,
        scale: layer.scale, exponent: layer.exponent, team: team)
    case .maxPooling(let layer):
      return MaxPooling(
        name: layer.name, input: input, window: layer.window, batchSize: options.batchSize,
        team: team)
    case .averagePooling(let layer):
      return AveragePooling(name: layer.name, input: input, window: layer.window, team: team)
    case .dropout(let name, let probability, let scalesInTraining):
      return Dropout(
        name: name, input: input, probability: probability, scalesInTraining: scalesInTraining,
        firstNeuron: firstNeuron(of: name),
        random: Philox(seed: options.seed, purpose: purpose(of: name)),
        batchSize: options.batchSize,
        team: team)
    }
  }

  private func parameters(
    name: String, shape: LayerShape, kernels: Int, height: Int, width: Int, sliceMaps: [Int],
    isFlat: Bool, _ initial: InitialValues
  ) -> (weight: Parameter, bias: Parameter) {
    let layout = ParameterLayout(
      kernels: shape.kernels.count, height: height, width: width, sliceMaps: sliceMaps,
      isFlat: isFlat)
    let weight = Parameter(
      name: name + ".weight", role: .weight, kernels: shape.kernels, kernelCount: kernels,
      layout: layout, initialDeviation: initial.deviation, initialMean: 0,
      isTrained: options.isTrained)
    let bias = Parameter(
      name: name + ".bias", role: .bias, kernels: shape.kernels, kernelCount: kernels,
      layout: .biases(kernels: shape.kernels.count), initialDeviation: 0, initialMean: initial.bias,
      isTrained: options.isTrained)
    if options.drawsInitialValues {
      weight.initialize(seed: options.seed)
      bias.initialize(seed: options.seed)
    }
    return (weight, bias)
  }

  /// The number of the tower's first neuron among those of all towers at a layer.
  private func firstNeuron(of name: String) -> Int {
    (0..<part.index).reduce(0) { sum, other in
      let shape = part.shapes(other).first { $0.layer.name == name }
      return sum + (shape?.output.count ?? 0)
    }
  }

  /// A purpose for the random numbers of a layer: FNV-1a of its name, apart from that of any tensor.
  private func purpose(of name: String) -> UInt64 { Parameter.purpose(of: "dropout " + name) }
}
