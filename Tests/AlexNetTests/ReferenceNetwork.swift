import AlexNet
import Layers
import TestSupport

/// A network once more, in one piece and in Double: where a tower reads its own maps alone, the whole layer
/// has as many groups as there are towers.
///
/// Near a kink (a rectifier's zero, two nearly equal numbers in a window) single precision may come down on
/// the other side, and one of AlexNet's 86,000 windows moves a gradient by half a percent. The forward pass is
/// independent; the backward pass takes its sides, and the dropout masks, from the network under test.
struct ReferenceNetwork {
  let specification: NetworkSpecification
  /// The canonical weights and biases of a layer of the whole network.
  let parameters: (_ layer: String) -> (weights: [Double], biases: [Double])
  /// What a layer of the network under test made.
  let actual: (_ layer: String) -> FeatureMaps

  /// The image and every layer's output, in order.
  func forward(_ image: FeatureMaps) -> [FeatureMaps] {
    var activations = [image]
    for (number, layer) in specification.layers.enumerated() {
      let x = activations[number]
      let y: FeatureMaps
      switch layer {
      case .convolution(let layer):
        let (weights, biases) = parameters(layer.name)
        y = Reference.convolution(
          x, weights: weights, biases: biases, kernels(layer, x, isFirst: number == 0))
      case .fullyConnected(let layer):
        let (weights, biases) = parameters(layer.name)
        y =
          columns(layer, x).map {
            Reference.convolution(x, weights: weights, biases: biases, $0)
          } ?? Reference.fullyConnected(x, weights: weights, biases: biases)
      case .relu: y = Reference.relu(x)
      case .tanh: y = Reference.tanh(x)
      case .responseNormalization(let layer):
        y = Reference.normalization(x, norm(layer, isSpatial: false))
      case .spatialNormalization(let layer):
        y = Reference.normalization(x, norm(layer, isSpatial: true))
      case .maxPooling(let layer): y = Reference.maxPooling(x, pool(layer))
      case .averagePooling(let layer): y = Reference.averagePooling(x, pool(layer))
      case .dropout(let name, _, _): y = Reference.masked(x, mask(name))
      }
      activations.append(y)
    }
    return activations
  }

  /// Takes the gradient by the logits back, and hands over each layer's parameter gradients on the way.
  func backward(
    _ logitGradient: FeatureMaps, _ activations: [FeatureMaps],
    _ visit: (_ layer: String, _ weights: [Double], _ biases: [Double]) -> Void
  ) {
    var gradient = logitGradient
    for (number, layer) in specification.layers.enumerated().reversed() {
      let x = activations[number]
      switch layer {
      case .convolution(let layer):
        let kernels = kernels(layer, x, isFirst: number == 0)
        let (weights, biases) = Reference.convolutionParameterGradient(gradient, x: x, kernels)
        visit(layer.name, weights, biases)
        if number > 0 {
          gradient = Reference.convolutionInputGradient(
            gradient, weights: parameters(layer.name).weights, x: x, kernels)
        }
      case .fullyConnected(let layer):
        let columns = columns(layer, x)
        let (weights, biases) =
          columns.map { Reference.convolutionParameterGradient(gradient, x: x, $0) }
          ?? Reference.fullyConnectedParameterGradient(gradient, x: x)
        visit(layer.name, weights, biases)
        let own = parameters(layer.name).weights
        gradient =
          columns.map { Reference.convolutionInputGradient(gradient, weights: own, x: x, $0) }
          ?? Reference.fullyConnectedInputGradient(gradient, weights: own, x: x)
      case .relu(let name): gradient = Reference.reluGradient(gradient, y: actual(name))
      case .tanh: gradient = Reference.tanhGradient(gradient, x: x)
      case .responseNormalization(let layer):
        gradient = Reference.normalizationGradient(gradient, x: x, norm(layer, isSpatial: false))
      case .spatialNormalization(let layer):
        gradient = Reference.normalizationGradient(gradient, x: x, norm(layer, isSpatial: true))
      case .maxPooling(let layer):
        let seen = number == 0 ? x : actual(specification.layers[number - 1].name)
        gradient = Reference.maxPoolingGradient(gradient, x: seen, pool(layer))
      case .averagePooling(let layer):
        gradient = Reference.averagePoolingGradient(gradient, x: x, pool(layer))
      case .dropout(let name, _, _): gradient = Reference.masked(gradient, mask(name))
      }
    }
  }

  /// What a dropout layer lets through: where a neuron was zero anyway, it does not matter.
  private func mask(_ layer: String) -> FeatureMaps { actual(layer).mapped { $0 == 0 ? 0 : 1 } }

  private func kernels(
    _ layer: ConvolutionSpecification, _ x: FeatureMaps, isFirst: Bool
  ) -> Reference.Kernels {
    Reference.Kernels(
      count: layer.kernels, size: layer.window.size, stride: layer.window.stride,
      padding: layer.window.padding,
      groups: layer.groups * (layer.reads == .own && !isFirst ? specification.towers : 1),
      height: x.height, width: x.width, roundsUp: layer.window.rounding == .up)
  }

  /// A fully-connected layer whose towers read their own maps, as a convolution in groups with kernels as large as the
  /// maps; nil where it reads everything.
  private func columns(
    _ layer: FullyConnectedSpecification, _ x: FeatureMaps
  ) -> Reference.Kernels? {
    guard layer.reads == .own && specification.towers > 1 else { return nil }
    precondition(x.height == x.width, "Kernels are square.")
    return Reference.Kernels(
      count: layer.kernels, size: x.height, stride: 1, padding: 0, groups: specification.towers,
      height: x.height, width: x.width, roundsUp: false)
  }

  private func norm(_ layer: NormalizationSpecification, isSpatial: Bool) -> Reference.Normalization
  {
    Reference.Normalization(
      size: layer.size, constant: layer.constant, scale: layer.scale, exponent: layer.exponent,
      isSpatial: isSpatial, parts: specification.towers)
  }

  private func pool(_ layer: PoolingSpecification) -> Reference.Pool {
    Reference.Pool(
      size: layer.window.size, stride: layer.window.stride, padding: layer.window.padding,
      roundsUp: layer.window.rounding == .up)
  }
}
