import System

/// One layer of a network, as data; counts are those of the whole network, all towers together.
///
/// The cases and the two lists below them are all that names every type of layer here; what is
/// known of a type stands in its own file.
package enum LayerSpecification: Equatable, Sendable {
  case convolution(ConvolutionSpecification)
  case fullyConnected(FullyConnectedSpecification)
  case relu(ReLUSpecification)
  case tanh(TanhSpecification)
  case responseNormalization(ResponseNormalizationSpecification)
  case spatialNormalization(SpatialNormalizationSpecification)
  case maxPooling(MaxPoolingSpecification)
  case averagePooling(AveragePoolingSpecification)
  case dropout(DropoutSpecification)

  /// Every type.
  package static let types: [any LayerTraits.Type] = [
    ConvolutionSpecification.self, FullyConnectedSpecification.self, ReLUSpecification.self,
    TanhSpecification.self, ResponseNormalizationSpecification.self,
    SpatialNormalizationSpecification.self, MaxPoolingSpecification.self,
    AveragePoolingSpecification.self, DropoutSpecification.self,
  ]

  /// What is known of the layer.
  package var traits: any LayerTraits {
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

extension LayerSpecification {
  /// The types that other tools have under a name and nothing else.
  package static let plainTypes = types.compactMap { $0 as? any PlainLayer.Type }

  /// The layer's name, unique in the network.
  package var name: String { traits.name }

  /// What it learns; nil where it has no weights.
  package var weights: (any LayerWithWeights)? { traits as? any LayerWithWeights }

  /// Whether it learns.
  package var hasWeights: Bool { weights != nil }

  /// What its weights are called in files, without `.weight`; nil where it has none.
  package var tensorName: String? { weights?.tensorName }

  /// Which towers' maps the layer reads.
  package var reads: Reads { weights?.reads ?? .own }

  /// The tower's kernels among those of the whole network; empty for layers without weights.
  func kernels(ofPart part: Int, parts: Int) -> Range<Int> {
    weights.map { evenSplit($0.kernels, part: part, of: parts) } ?? 0..<0
  }
}
