import Layers
package import Networks

/// A network once more, in one piece and in Double: where a tower reads its own maps alone, the
/// whole layer has as many groups as there are towers; where it reads some, the weights for the
/// others are zeros.
///
/// Near a kink (a rectifier's zero, two nearly equal numbers in a window) single precision may come
/// down on the other side, and one of AlexNet's 86,000 windows moves a gradient by half a percent.
/// The forward pass is independent; the backward pass takes its sides, and the dropout masks, from
/// the network under test.
package struct ReferenceNetwork {
  package var specification: NetworkSpecification
  /// The canonical weights and biases of a layer of the whole network.
  package let parameters: (_ layer: String) -> (weights: [Double], biases: [Double])
  /// What a layer of the network under test made.
  package let actual: (_ layer: String) -> FeatureMaps

  /// The image and every layer's output, in order.
  package func forward(_ image: FeatureMaps) -> [FeatureMaps] {
    var activations = [image]
    for (number, layer) in specification.layers.enumerated() {
      let x = activations[number]
      let y: FeatureMaps
      switch layer {
      case .convolution(let layer):
        y = Reference.convolution(
          x, weights: weights(layer, x), biases: parameters(layer.name).biases,
          kernels(layer, x, isFirst: number == 0))
      case .fullyConnected(let layer):
        let (weights, biases) = (weights(layer, x), parameters(layer.name).biases)
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
      case .dropout(let layer): y = Reference.masked(x, mask(layer))
      }
      activations.append(y)
    }
    return activations
  }

  /// Takes the gradient by the logits back, and hands over each layer's parameter gradients on the
  /// way.
  package func backward(
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
        visit(layer.name, places(layer, x)?.map { weights[$0] } ?? weights, biases)
        if number > 0 {
          gradient = Reference.convolutionInputGradient(
            gradient, weights: self.weights(layer, x), x: x, kernels)
        }
      case .fullyConnected(let layer):
        let columns = columns(layer, x)
        let (weights, biases) =
          columns.map { Reference.convolutionParameterGradient(gradient, x: x, $0) }
          ?? Reference.fullyConnectedParameterGradient(gradient, x: x)
        visit(layer.name, places(layer, x)?.map { weights[$0] } ?? weights, biases)
        let own = self.weights(layer, x)
        gradient =
          columns.map { Reference.convolutionInputGradient(gradient, weights: own, x: x, $0) }
          ?? Reference.fullyConnectedInputGradient(gradient, weights: own, x: x)
      case .relu(let layer): gradient = Reference.reluGradient(gradient, y: actual(layer.name))
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
      case .dropout(let layer): gradient = Reference.masked(gradient, mask(layer))
      }
    }
  }

  /// What a dropout layer multiplies by: where a neuron was zero anyway, it does not matter.
  private func mask(_ layer: DropoutSpecification) -> FeatureMaps {
    actual(layer.name).mapped {
      $0 == 0 ? 0 : layer.scalesInTraining ? 1 / (1 - layer.probability) : 1
    }
  }

  private func kernels(
    _ layer: ConvolutionSpecification, _ x: FeatureMaps, isFirst: Bool
  ) -> Reference.Kernels {
    Reference.Kernels(
      count: layer.kernels, size: layer.window.size, stride: layer.window.stride,
      padding: layer.window.padding,
      groups: layer.groups * (layer.reads == .own && !isFirst ? specification.towers : 1),
      height: x.height, width: x.width, roundsUp: layer.window.rounding == .up)
  }

  /// The places that a layer's weights have among those of a layer that reads everything.
  ///
  /// Nil where it does, or reads its own. `numbers` are those that a kernel reads of a map.
  private func places(_ reads: Reads, kernels: Int, numbers: Int, _ x: FeatureMaps) -> [Int]? {
    guard case .listed(let lists) = reads else { return nil }
    let towers = specification.towers
    func share(_ count: Int, _ tower: Int) -> Range<Int> {
      let starts = (0...towers).map { $0 * (count / towers) + min($0, count % towers) }
      return starts[tower]..<starts[tower + 1]
    }
    return (0..<towers).flatMap { tower in
      share(kernels, tower).flatMap { kernel in
        lists[tower].flatMap { share(x.maps, $0) }.flatMap { map in
          (0..<numbers).map { (kernel * x.maps + map) * numbers + $0 }
        }
      }
    }
  }

  private func places(_ layer: ConvolutionSpecification, _ x: FeatureMaps) -> [Int]? {
    places(
      layer.reads, kernels: layer.kernels, numbers: layer.window.size * layer.window.size, x)
  }

  private func places(_ layer: FullyConnectedSpecification, _ x: FeatureMaps) -> [Int]? {
    places(layer.reads, kernels: layer.kernels, numbers: x.height * x.width, x)
  }

  /// A layer's weights among zeros for what it does not read.
  private func whole(_ weights: [Double], _ places: [Int]?, count: Int) -> [Double] {
    guard let places else { return weights }
    precondition(places.count == weights.count, "Each weight has a place.")
    var all = [Double](repeating: 0, count: count)
    for (place, weight) in zip(places, weights) { all[place] = weight }
    return all
  }

  private func weights(_ layer: ConvolutionSpecification, _ x: FeatureMaps) -> [Double] {
    whole(
      parameters(layer.name).weights, places(layer, x),
      count: layer.kernels * x.maps * layer.window.size * layer.window.size)
  }

  private func weights(_ layer: FullyConnectedSpecification, _ x: FeatureMaps) -> [Double] {
    whole(
      parameters(layer.name).weights, places(layer, x),
      count: layer.kernels * x.maps * x.height * x.width)
  }

  /// A fully-connected layer whose towers read their own maps, as a convolution in groups with
  /// kernels as large as the maps; nil where it reads everything.
  private func columns(
    _ layer: FullyConnectedSpecification, _ x: FeatureMaps
  ) -> Reference.Kernels? {
    guard layer.reads == .own && specification.towers > 1 else { return nil }
    precondition(x.height == x.width, "Kernels are square.")
    return Reference.Kernels(
      count: layer.kernels, size: x.height, stride: 1, padding: 0, groups: specification.towers,
      height: x.height, width: x.width, roundsUp: false)
  }

  private func norm(
    _ layer: some NormalizationTraits, isSpatial: Bool
  ) -> Reference.Normalization {
    Reference.Normalization(
      size: layer.size, constant: layer.constant, scale: layer.scale, exponent: layer.exponent,
      isSpatial: isSpatial, parts: specification.towers)
  }

  private func pool(_ layer: some PoolingTraits) -> Reference.Pool {
    Reference.Pool(
      size: layer.window.size, stride: layer.window.stride, padding: layer.window.padding,
      roundsUp: layer.window.rounding == .up)
  }
}
