import Layers
public import ModelParallel

/// What a rank sends in a training step, known before anything is built.
public struct CommunicationVolume: Sendable {
  /// What is sent at one boundary between ranks.
  public struct Boundary: Sendable {
    /// The layer that reads, `conv3`; `softmax`; `gradients` for those that replicas add up.
    public let name: String
    /// Bytes on the way forward.
    public let forward: Int
    /// Bytes on the way back.
    public let backward: Int
    /// Messages, both ways.
    public let messages: Int

    /// Bytes both ways.
    public var bytes: Int { forward + backward }
  }

  /// The boundaries in the order of their layers; those where nothing is sent are left out.
  public let boundaries: [Boundary]

  /// Bytes of a step.
  public var bytes: Int { boundaries.reduce(0) { $0 + $1.bytes } }

  /// Counts what the first rank of the first replica sends, which has the most images.
  /// - Parameters:
  ///   - network: The network.
  ///   - ranksPerReplica: 1, or as many as there are towers.
  ///   - replicas: The replicas.
  ///   - batchSize: The images of a batch over all replicas.
  ///   - scheme: Who computes the fully-connected layers.
  ///   - formats: How numbers travel.
  public init(
    _ network: NetworkSpecification, ranksPerReplica: Int, replicas: Int, batchSize: Int,
    scheme: FullyConnectedScheme, formats: WireFormats
  ) {
    let ranks = ranksPerReplica * replicas
    let owned = ranksPerReplica == 1 ? 0..<network.towers : 0..<1
    let images = (batchSize + replicas - 1) / replicas
    let head = scheme == .model && replicas > 1 ? network.fullyConnectedPart : nil
    let trunk = 0..<(head?.lowerBound ?? network.layers.count)
    var boundaries: [Boundary] = []

    /// An all-gather between parts that are on one rank each, and its adjoint.
    func exchange(_ shape: LayerShape, images: Int) {
      let counts = shape.inputs.map { images * $0.count }
      boundaries.append(
        Boundary(
          name: shape.layer.name,
          forward: (counts.count - 1) * formats.activations.bytes(of: counts[0]),
          backward: counts.dropFirst().reduce(0) { $0 + formats.gradients.bytes(of: $1) },
          messages: 2 * (counts.count - 1)))
    }

    let shapes = network.shapes(ofTower: 0)
    if ranksPerReplica > 1 {
      for number in trunk where number > 0 && network.layers[number].reads == .all {
        exchange(shapes[number], images: images)
      }
    }
    if let head {
      let parts = network.shapes(ofPart: 0, parts: ranks)
      let maps = parts[0].inputs.map { images * $0.count }
      let own = owned.reduce(0) { $0 + formats.activations.bytes(of: maps[$1]) }
      let whole = maps.reduce(0) { $0 + formats.gradients.bytes(of: $1) }
      boundaries.append(
        Boundary(
          name: network.layers[head.lowerBound].name, forward: (ranks - 1) * own,
          backward: replicas * whole
            - owned.reduce(0) { $0 + formats.gradients.bytes(of: maps[$1]) },
          messages: 2 * (ranks - 1) * owned.count))
      for (number, shape) in parts.enumerated() where number > 0 && shape.layer.reads == .all {
        exchange(shape, images: batchSize)
      }
    }
    let isSplit = head != nil || ranksPerReplica > 1
    if isSplit {
      let rows = head == nil ? images : batchSize
      boundaries.append(
        Boundary(name: "softmax", forward: 2 * 2 * 8 * rows, backward: 0, messages: 2))
    }
    if replicas > 1 {
      let count = owned.reduce(0) { sum, tower in
        sum + network.shapes(ofTower: tower)[trunk].reduce(0) { $0 + $1.parameters }
      }
      let bytes = formats.gradients.bytes(of: count)
      boundaries.append(
        Boundary(
          name: "gradients", forward: 0, backward: 2 * bytes / replicas * (replicas - 1),
          messages: 2 * (replicas - 1) * GradientReduction.pieces(of: count)))
    }
    self.boundaries = boundaries.filter { $0.bytes > 0 }
  }

  /// The scheme that sends fewer bytes a step; `data` where the other is not possible or there is one replica.
  public static func better(
    _ network: NetworkSpecification, ranksPerReplica: Int, replicas: Int, batchSize: Int,
    formats: WireFormats
  ) -> FullyConnectedScheme {
    guard replicas > 1, network.fullyConnectedPart != nil,
      network.fewestNeurons >= ranksPerReplica * replicas
    else { return .data }
    let bytes = FullyConnectedScheme.allCases.map { scheme in
      CommunicationVolume(
        network, ranksPerReplica: ranksPerReplica, replicas: replicas, batchSize: batchSize,
        scheme: scheme, formats: formats
      ).bytes
    }
    return zip(FullyConnectedScheme.allCases, bytes).min { $0.1 < $1.1 }?.0 ?? .data
  }
}
