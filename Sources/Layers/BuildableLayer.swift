package import Networks
package import System

/// A type of layer that can be computed: its own file says how.
package protocol BuildableLayer: LayerTraits {
  /// The layer as one tower computes it.
  func layer(_ context: LayerContext) -> any Layer
  /// What the layer takes in training for its arithmetic alone.
  ///
  /// Not its output, its parameters, or what it remembers of each image.
  func workspace(
    _ shape: LayerShape, threads: Int, images: Int, _ precision: Precision
  ) -> WorkspaceBytes
}

extension BuildableLayer {
  /// Next to nothing.
  package func workspace(
    _ shape: LayerShape, threads: Int, images: Int, _ precision: Precision
  ) -> WorkspaceBytes {
    WorkspaceBytes()
  }
}

/// Memory for a layer's arithmetic, in bytes.
package struct WorkspaceBytes {
  /// What it keeps for itself.
  package var own = 0
  /// What all threads together need while they compute, in the workspace of the tower.
  package var threads = 0
  /// What they share there.
  package var common = 0
}

extension LayerSpecification {
  /// The layer as something that can be computed.
  package var buildable: any BuildableLayer {
    switch self {
    case .convolution(let layer): layer
    case .fullyConnected(let layer): layer
    case .relu(let layer): layer
    case .tanh(let layer): layer
    case .responseNormalization(let layer): layer
    case .spatialNormalization(let layer): layer
    case .maxPooling(let layer): layer
    case .averagePooling(let layer): layer
    case .dropout(let layer): layer
    }
  }
}

/// What a layer is built with besides its settings.
package struct LayerContext {
  /// What it reads and makes in its tower.
  package var shape: LayerShape
  /// The most images that pass through it together.
  package var batchSize: Int
  /// What initial weights and dropout masks depend on.
  package var seed: UInt64
  /// Whether there is a backward direction.
  package var isTrained: Bool
  /// Whether weights are given their initial values.
  package var drawsInitialValues: Bool
  /// How convolutions are computed.
  package var algorithm: ConvolutionChoice
  /// The numbers that fully-connected layers are computed with.
  package var precision: Precision
  /// The tower's threads.
  package var team: ThreadTeam
  /// The tower's memory for what its layers keep while they compute.
  package var workspace: Workspace
  /// The number of the tower's first neuron among those of all towers at the layer, for those that
  /// ask.
  package var firstNeuron: () -> Int

  /// Makes a context.
  package init(
    shape: LayerShape, batchSize: Int, seed: UInt64 = 0, isTrained: Bool = true,
    drawsInitialValues: Bool = true, algorithm: ConvolutionChoice = .automatic,
    precision: Precision = .fp32, team: ThreadTeam, workspace: Workspace? = nil,
    firstNeuron: @escaping () -> Int = { 0 }
  ) {
    self.shape = shape
    self.batchSize = batchSize
    self.seed = seed
    self.isTrained = isTrained
    self.drawsInitialValues = drawsInitialValues
    self.algorithm = algorithm
    self.precision = precision
    self.team = team
    self.workspace = workspace ?? Workspace(threads: team.count)
    self.firstNeuron = firstNeuron
  }

  /// A layer's weights and biases, with their initial values.
  func parameters(of layer: some LayerWithWeights) -> (weight: Parameter, bias: Parameter) {
    let layout = ParameterLayout(
      kernels: shape.kernels.count, of: layer.kernel(over: shape.inputs))
    let weight = Parameter(
      name: layer.tensorName + ".weight", role: .weight, kernels: shape.kernels,
      kernelCount: layer.kernels, layout: layout, initialDeviation: layer.initial.deviation,
      initialMean: 0, isTrained: isTrained)
    let bias = Parameter(
      name: layer.tensorName + ".bias", role: .bias, kernels: shape.kernels,
      kernelCount: layer.kernels, layout: .biases(kernels: shape.kernels.count),
      initialDeviation: 0, initialMean: layer.initial.bias, isTrained: isTrained)
    if drawsInitialValues {
      weight.initialize(seed: seed)
      bias.initialize(seed: seed)
    }
    return (weight, bias)
  }
}
