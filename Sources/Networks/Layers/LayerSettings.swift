import System

// A layer is a JSON object with its kind under "type". What is left out has its default; a key that the kind
// does not have is an error, so that a misspelt setting is not taken for a default.
extension LayerSpecification: Codable {
  private enum Kind: String, Codable {
    case convolution, fullyConnected, relu, tanh, responseNormalization, spatialNormalization
    case maxPooling, averagePooling, dropout

    var keys: Set<String> {
      let window: Set<String> = ["size", "stride", "padding", "rounding"]
      let learned: Set<String> = ["kernels", "reads", "weightDeviation", "bias", "tensor"]
      let own: Set<String> =
        switch self {
        case .convolution: window.union(learned).union(["groups"])
        case .fullyConnected: learned
        case .relu, .tanh: []
        case .responseNormalization, .spatialNormalization:
          ["size", "constant", "scale", "exponent"]
        case .maxPooling, .averagePooling: window
        case .dropout: ["probability", "scalesInTraining"]
        }
      return own.union(["type", "name"])
    }
  }

  /// Reads one layer from its JSON object.
  package init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: AnyKey.self)
    let kind = try values.decode(Kind.self, forKey: "type")
    let name = try values.decode(String.self, forKey: "name")
    try AnyKey.check(
      decoder, kind.keys, "layer \(quoted(name)) of type \(kind.rawValue)")
    func window() throws -> Window {
      let size = try values.decode(Int.self, forKey: "size")
      return Window(
        size: size, stride: try values.decodeIfPresent(Int.self, forKey: "stride") ?? 1,
        padding: try values.decodeIfPresent(Int.self, forKey: "padding") ?? 0,
        rounding: try values.decodeIfPresent(Window.Rounding.self, forKey: "rounding") ?? .up)
    }
    func initial() throws -> InitialValues {
      InitialValues(
        deviation: try values.decodeIfPresent(Double.self, forKey: "weightDeviation") ?? 0.01,
        bias: try values.decodeIfPresent(Double.self, forKey: "bias") ?? 0)
    }
    func normalization(constant: Double) throws -> NormalizationSpecification {
      NormalizationSpecification(
        name: name, size: try values.decodeIfPresent(Int.self, forKey: "size") ?? 5,
        constant: try values.decodeIfPresent(Double.self, forKey: "constant") ?? constant,
        scale: try values.decodeIfPresent(Double.self, forKey: "scale") ?? 1e-4,
        exponent: try values.decodeIfPresent(Double.self, forKey: "exponent") ?? 0.75)
    }
    switch kind {
    case .convolution:
      self = .convolution(
        ConvolutionSpecification(
          name: name, kernels: try values.decode(Int.self, forKey: "kernels"), window: try window(),
          groups: try values.decodeIfPresent(Int.self, forKey: "groups") ?? 1,
          reads: try values.decodeIfPresent(Reads.self, forKey: "reads") ?? .own,
          initial: try initial(), tensor: try values.decodeIfPresent(String.self, forKey: "tensor"))
      )
    case .fullyConnected:
      self = .fullyConnected(
        FullyConnectedSpecification(
          name: name, kernels: try values.decode(Int.self, forKey: "kernels"),
          reads: try values.decodeIfPresent(Reads.self, forKey: "reads") ?? .all,
          initial: try initial(), tensor: try values.decodeIfPresent(String.self, forKey: "tensor"))
      )
    case .relu: self = .relu(name: name)
    case .tanh: self = .tanh(name: name)
    case .responseNormalization: self = .responseNormalization(try normalization(constant: 2))
    case .spatialNormalization: self = .spatialNormalization(try normalization(constant: 1))
    case .maxPooling: self = .maxPooling(PoolingSpecification(name: name, window: try window()))
    case .averagePooling:
      self = .averagePooling(PoolingSpecification(name: name, window: try window()))
    case .dropout:
      self = .dropout(
        name: name,
        probability: try values.decodeIfPresent(Double.self, forKey: "probability") ?? 0.5,
        scalesInTraining: try values.decodeIfPresent(Bool.self, forKey: "scalesInTraining")
          ?? false)
    }
  }

  /// Writes the layer as one JSON object, every setting named.
  package func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: AnyKey.self)
    try values.encode(name, forKey: "name")
    func encode(_ kind: Kind) throws { try values.encode(kind, forKey: "type") }
    func encode(_ window: Window) throws {
      try values.encode(window.size, forKey: "size")
      try values.encode(window.stride, forKey: "stride")
      try values.encode(window.padding, forKey: "padding")
      try values.encode(window.rounding, forKey: "rounding")
    }
    func encode(_ kernels: Int, _ reads: Reads, _ initial: InitialValues, _ tensor: String?) throws
    {
      try values.encode(kernels, forKey: "kernels")
      try values.encode(reads, forKey: "reads")
      try values.encode(initial.deviation, forKey: "weightDeviation")
      try values.encode(initial.bias, forKey: "bias")
      try values.encodeIfPresent(tensor, forKey: "tensor")
    }
    func encode(_ layer: NormalizationSpecification) throws {
      try values.encode(layer.size, forKey: "size")
      try values.encode(layer.constant, forKey: "constant")
      try values.encode(layer.scale, forKey: "scale")
      try values.encode(layer.exponent, forKey: "exponent")
    }
    switch self {
    case .convolution(let layer):
      try encode(.convolution)
      try encode(layer.window)
      try encode(layer.kernels, layer.reads, layer.initial, layer.tensor)
      try values.encode(layer.groups, forKey: "groups")
    case .fullyConnected(let layer):
      try encode(.fullyConnected)
      try encode(layer.kernels, layer.reads, layer.initial, layer.tensor)
    case .relu: try encode(.relu)
    case .tanh: try encode(.tanh)
    case .responseNormalization(let layer):
      try encode(.responseNormalization)
      try encode(layer)
    case .spatialNormalization(let layer):
      try encode(.spatialNormalization)
      try encode(layer)
    case .maxPooling(let layer):
      try encode(.maxPooling)
      try encode(layer.window)
    case .averagePooling(let layer):
      try encode(.averagePooling)
      try encode(layer.window)
    case .dropout(_, let probability, let scalesInTraining):
      try encode(.dropout)
      try values.encode(probability, forKey: "probability")
      // Left out where it is the paper's, so that descriptions of before are what they were.
      if scalesInTraining { try values.encode(true, forKey: "scalesInTraining") }
    }
  }
}

/// A key of a JSON object, whatever its name.
struct AnyKey: CodingKey, ExpressibleByStringLiteral {
  let stringValue: String
  var intValue: Int? { nil }

  init(stringLiteral value: String) { stringValue = value }
  init(stringValue: String) { self.stringValue = stringValue }
  init?(intValue: Int) { return nil }

  /// Makes sure that an object has no keys but the known ones, so that a misspelt setting is not taken for a default.
  static func check(
    _ decoder: any Decoder, _ known: some Sequence<String>, _ what: String
  ) throws {
    let known = Set(known)
    let values = try decoder.container(keyedBy: AnyKey.self)
    for key in values.allKeys where !known.contains(key.stringValue) {
      throw DecodingError.dataCorruptedError(
        forKey: key, in: values,
        debugDescription: "\(what) has no setting \(quoted(key.stringValue))")
    }
  }
}
