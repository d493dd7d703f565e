package import Layers
package import MPI
package import ModelParallel
package import Networks
package import Tensors
package import Towers

/// A network with a batch of random images and labels, and training steps on it.
package final class NetworkBench {
  package let network: Network
  package let images: Int
  package let input: Tensor
  package let labels: [Int32]
  package private(set) var pass: Pass

  /// Builds the network over a group of ranks; all have the same images.
  ///
  /// Pixels lie in [-scale, scale); there is room for `capacity` images, of which `images` come.
  package init(
    _ specification: NetworkSpecification, over group: Communicator = TestWorld.shared.alone,
    images: Int, capacity: Int? = nil, threads: Int = 1, scale: Float = 1, seed: UInt64 = 1,
    frozen: Set<String> = [], mapsInCache: Int = 2 << 20, progress: MessageProgress.Mode? = nil
  ) throws {
    let capacity = capacity ?? images
    self.images = images
    network = try Network(
      specification, placement: Placement(towers: specification.towers, over: group),
      options: NetworkOptions(
        batchSize: capacity, threadsPerTower: threads, seed: seed, isTrained: true,
        frozenLayers: frozen, mapsInCache: mapsInCache, progress: progress))
    var random = SmallRandom(seed)
    let side = specification.inputSide
    input = Tensor(
      [capacity, side * side * 3], values: random.uniforms(images * side * side * 3, scale: scale),
      then: .nan)
    labels = (0..<images).map { _ in Int32(random.integer(in: 0...(specification.classes - 1))) }
    pass = Pass(images: images, isTraining: true)
  }

  /// Forward, loss and backward; every parameter then has its gradient.
  /// - Parameters:
  ///   - number: The step.
  ///   - look: Called after the forward pass: the backward pass may use the outputs' memory.
  /// - Returns: The score.
  /// - Throws: `MPIError` if a message fails.
  @discardableResult package func step(
    _ number: Int = 0, afterForward look: () -> Void = {}
  ) throws -> ParallelSoftmax.Score {
    pass.step = number
    try network.forward(input, pass)
    look()
    let score = try network.softmax.score(network.logits, labels: labels, pass)
    network.softmax.gradient(
      network.logits, labels: labels, batchSize: images, into: network.lossGradient, pass)
    try network.backward(input, pass)
    return score
  }

  /// Takes a step down every gradient.
  package func update(rate: Float) {
    for parameter in network.parameters {
      parameter.noteChange()
      for i in 0..<parameter.value.count {
        parameter.value.pointer[i] -= rate * parameter.gradient.pointer[i]
      }
    }
  }

  /// The parameters of a layer's kernels, tower by tower.
  package func parameters(_ layer: LayerSpecification, _ role: Parameter.Role) -> [Parameter] {
    let name = (layer.tensorName ?? layer.name) + (role == .weight ? ".weight" : ".bias")
    return network.parameters.filter { $0.name == name }
      .sorted { $0.kernels.lowerBound < $1.kernels.lowerBound }
  }

  /// The images in Double.
  package var image: FeatureMaps {
    let side = network.specification.inputSide
    let shape = MapShape(height: side, width: side, maps: 3)
    return FeatureMaps(images: images, [(shape, input.values(images * shape.count))])
  }

  /// A layer's output in the last forward pass, all towers side by side; all must be in this process.
  package func output(of layer: String) -> FeatureMaps {
    let specification = network.specification
    return FeatureMaps(
      images: images,
      (0..<specification.towers).compactMap { tower in
        let shape = specification.shapes(ofTower: tower).first { $0.layer.name == layer }?.output
        guard let shape, let tensor = network.output(of: layer, tower: tower) else { return nil }
        return (shape, tensor.values(images * shape.count))
      })
  }

  /// The same network in one piece, with these weights and the dropout masks and winners of the
  /// outputs that were seen; by default of those that are there.
  package func reference(_ seen: [String: FeatureMaps] = [:]) -> ReferenceNetwork {
    ReferenceNetwork(
      specification: network.specification,
      parameters: { name in
        let layer = self.network.specification.layers.first { $0.name == name }
        func values(_ role: Parameter.Role) -> [Double] {
          layer.map { self.parameters($0, role) }?
            .flatMap { $0.canonical($0.value).map(Double.init) } ?? []
        }
        return (values(.weight), values(.bias))
      },
      actual: { seen[$0] ?? self.output(of: $0) })
  }

  /// How far a step is from the reference, relatively: the loss, what the pools read and the
  /// logits, and each parameter's gradient in norm.
  package func errors() throws -> (
    loss: Double, activations: [(name: String, error: Double)],
    gradients: [(name: String, error: Double)]
  ) {
    var seen: [String: FeatureMaps] = [:]
    let score = try step {
      for layer in network.specification.layers { seen[layer.name] = output(of: layer.name) }
    }
    let reference = reference(seen)
    let activations = reference.forward(image)
    let (loss, gradient) = Reference.crossEntropy(
      activations[activations.count - 1], labels: labels.map(Int.init))
    var errors: [(name: String, error: Double)] = []
    reference.backward(gradient, activations) { name, weights, biases in
      guard let layer = network.specification.layers.first(where: { $0.name == name }) else {
        return
      }
      for (role, expected) in [(Parameter.Role.weight, weights), (.bias, biases)] {
        let actual = parameters(layer, role).flatMap { $0.canonical($0.gradient) }
        errors.append(("\(name) \(role)", relativeError(actual, expected)))
      }
    }
    let layers = network.specification.layers
    let visible = layers.indices.filter { number in
      guard number + 1 < layers.count else { return true }
      guard case .maxPooling = layers[number + 1] else { return false }
      return true
    }
    let errorsForward = visible.map { number in
      let name = layers[number].name
      return (name, relativeError(seen[name]?.values ?? [], activations[number + 1].values))
    }
    return (abs(score.lossSum / Double(images) / loss - 1), errorsForward, errors)
  }
}
