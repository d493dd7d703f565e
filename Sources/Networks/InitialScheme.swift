/// Where the initial values of a network's weights and biases come from, by the name of its option.
package enum InitialScheme: String, CaseIterable, Sendable {
  /// The paper: N(0, 0.01^2), biases of 1 in the second, fourth and fifth convolution and in hidden
  /// fully-connected layers.
  case paper
  /// The authors' code: the same, but N(0, 0.03^2) from the third convolution on.
  case code2012
  /// Caffe's bvlc_alexnet: the paper's with N(0, 0.005^2) in hidden fully-connected layers and 0.1
  /// for biases of 1.
  case caffe
  /// N(0, 2 / the inputs of a kernel), biases of 0 (He, Zhang, Ren and Sun 2015).
  case he

  /// The values of a layer.
  /// - Parameters:
  ///   - convolution: Its number among the convolutions, from 1; nil for a fully-connected one.
  ///   - isHidden: Whether it is not the last.
  ///   - inputs: What a kernel sees.
  /// - Returns: Mean and deviation.
  func values(convolution: Int?, isHidden: Bool, inputs: Int) -> InitialValues {
    if self == .he { return InitialValues(deviation: (2 / Double(inputs)).squareRoot()) }
    let isPositive = convolution.map { [2, 4, 5].contains($0) } ?? isHidden
    let bias = !isPositive ? 0 : self == .caffe ? 0.1 : 1.0
    let deviation =
      switch self {
      case .code2012 where convolution ?? 0 >= 3: 0.03
      case .caffe where convolution == nil && isHidden: 0.005
      default: 0.01
      }
    return InitialValues(deviation: deviation, bias: bias)
  }
}

extension NetworkSpecification {
  /// The network with other initial values.
  func beginning(with scheme: InitialScheme) -> NetworkSpecification {
    var changed = self
    var convolutions = 0
    for (number, shape) in shapes(ofTower: 0).enumerated() {
      guard var layer = shape.layer.weights else { continue }
      if !layer.isFullyConnected { convolutions += 1 }
      layer.initial = scheme.values(
        convolution: layer.isFullyConnected ? nil : convolutions,
        isHidden: number < layers.count - 1,
        inputs: layer.kernel(over: shape.inputs).canonical.reduce(1, *))
      changed.layers[number] = layer.specification
    }
    return changed
  }
}
