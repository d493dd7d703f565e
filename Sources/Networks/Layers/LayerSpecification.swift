/// One layer of a network, as data; counts are those of the whole network, all towers together.
package enum LayerSpecification: Equatable, Sendable {
  /// A convolution.
  case convolution(ConvolutionSpecification)
  /// A fully-connected layer.
  case fullyConnected(FullyConnectedSpecification)
  /// max(0, x).
  case relu(name: String)
  /// tanh x.
  case tanh(name: String)
  /// Normalisation across neighbouring maps of the own tower.
  case responseNormalization(NormalizationSpecification)
  /// Normalisation over neighbouring pixels of the same map.
  case spatialNormalization(NormalizationSpecification)
  /// The largest number of each window.
  case maxPooling(PoolingSpecification)
  /// The mean of each window.
  case averagePooling(PoolingSpecification)
  /// Neurons dropped in training; scaled up there, or down at test as in the paper.
  case dropout(name: String, probability: Double, scalesInTraining: Bool = false)

  /// The layer's name, unique in the network.
  package var name: String {
    switch self {
    case .convolution(let layer): layer.name
    case .fullyConnected(let layer): layer.name
    case .relu(let name), .tanh(let name), .dropout(let name, _, _): name
    case .responseNormalization(let layer), .spatialNormalization(let layer): layer.name
    case .maxPooling(let layer), .averagePooling(let layer): layer.name
    }
  }

  /// Whether it learns: a convolution or a fully-connected layer does.
  package var hasWeights: Bool {
    switch self {
    case .convolution, .fullyConnected: true
    default: false
    }
  }

  /// What its weights are called in files, without `.weight`; nil where it has none.
  package var tensorName: String? {
    switch self {
    case .convolution(let layer): layer.tensor ?? layer.name
    case .fullyConnected(let layer): layer.tensor ?? layer.name
    default: nil
    }
  }

  /// Which towers' maps the layer reads.
  package var reads: Reads {
    switch self {
    case .convolution(let layer): layer.reads
    case .fullyConnected(let layer): layer.reads
    default: .own
    }
  }

  /// Of layers in a row, the first of which is given what others made: whether each one's output takes the place of its
  /// input in memory.
  package static func takePlaces(_ layers: some Sequence<LayerSpecification>) -> [Bool] {
    var (isFirst, holdsTangent) = (true, false)
    return layers.map { layer in
      let takesPlace: Bool
      switch layer {
      // What they leave is what was there, or zero where they let no gradient through.
      case .relu, .dropout(_, _, scalesInTraining: false): takesPlace = !isFirst
      // A tanh takes its gradient from its output, of which these make another number.
      case .tanh, .dropout: takesPlace = !isFirst && !holdsTangent
      default: takesPlace = false
      }
      if case .tanh = layer { holdsTangent = true } else if !takesPlace { holdsTangent = false }
      isFirst = false
      return takesPlace
    }
  }
}

/// A convolution, as data.
package struct ConvolutionSpecification: Equatable, Sendable {
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
}

/// A fully-connected layer, as data.
package struct FullyConnectedSpecification: Equatable, Sendable {
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

/// A normalisation, as data: y = x (constant + scale * sum of squares)^-exponent.
package struct NormalizationSpecification: Equatable, Sendable {
  /// The layer's name.
  package var name: String
  /// Maps (or pixels along each axis) that the sum runs over.
  package var size: Int
  /// What the sum is added to.
  package var constant: Double
  /// The factor of the sum.
  package var scale: Double
  /// The exponent.
  package var exponent: Double

  /// Makes a normalisation from its parts.
  package init(name: String, size: Int, constant: Double, scale: Double, exponent: Double) {
    self.name = name
    self.size = size
    self.constant = constant
    self.scale = scale
    self.exponent = exponent
  }
}

/// A pooling layer, as data.
package struct PoolingSpecification: Equatable, Sendable {
  /// The layer's name.
  package var name: String
  /// Size, stride, padding and rounding.
  package var window: Window

  /// Makes a pooling layer from its parts.
  package init(name: String, window: Window) {
    self.name = name
    self.window = window
  }
}
