import Layers
package import ModelParallel
package import Networks
import System

/// The bytes that a rank sends in a training step, computed before the network is built.
package struct CommunicationVolume: Sendable {
  /// The messages at one boundary between ranks.
  package struct Boundary: Sendable {
    /// The layer that reads, `conv3`, or one of `BoundaryName`.
    package let name: String
    /// Bytes in the forward pass.
    package let forward: Int
    /// Bytes in the backward pass.
    package let backward: Int
    /// The number of messages in both passes.
    package let messages: Int
    /// Of the bytes of both passes, those that go to ranks of other replicas.
    package let betweenReplicas: Int

    /// Bytes in both passes.
    package var bytes: Int { forward + backward }

    /// Whether these are weight gradients, which are sent during the backward pass.
    package var isGradient: Bool {
      name == BoundaryName.gradients || name == BoundaryName.groupGradients
    }
  }

  /// The boundaries in layer order, without those where nothing is sent.
  package let boundaries: [Boundary]

  /// Bytes per step.
  package var bytes: Int { boundaries.reduce(0) { $0 + $1.bytes } }

  /// Of these, weight gradients.
  package var gradientBytes: Int { boundaries.reduce(0) { $0 + ($1.isGradient ? $1.bytes : 0) } }

  /// Of these, bytes that go to ranks of other replicas.
  package var bytesBetweenReplicas: Int { boundaries.reduce(0) { $0 + $1.betweenReplicas } }

  /// Counts the bytes that the first rank of the first replica sends, which has the most images.
  /// - Parameters:
  ///   - network: The network.
  ///   - ranksPerReplica: 1, or the number of towers.
  ///   - replicas: The number of replicas.
  ///   - batchSize: The number of images in a batch over all replicas.
  ///   - scheme: How the fully-connected layers are split.
  ///   - formats: The number formats of messages.
  ///   - smoothsTargets: Whether the sums of logits travel too.
  package init(
    _ network: NetworkSpecification, ranksPerReplica: Int, replicas: Int, batchSize: Int,
    scheme: FullyConnectedScheme, formats: WireFormats, smoothsTargets: Bool = false
  ) {
    let owned = ranksPerReplica == 1 ? 0..<network.towers : 0..<1
    func images(ofReplicas count: Int) -> Int {
      (0..<count).reduce(0) {
        $0 + evenSplit(batchSize, part: $1, of: replicas).count
      }
    }
    let own = images(ofReplicas: 1)
    let groups = scheme.groups(ofReplicas: replicas)
    let head = groups == nil ? nil : network.fullyConnectedPart
    let trunk = 0..<(head?.lowerBound ?? network.layers.count)
    var boundaries: [Boundary] = []

    /// An all-gather between parts that are on one rank each, starting with this replica's, and its
    /// adjoint.
    func exchange(_ shape: LayerShape, images: Int, among parts: Int) {
      // The first part is the first one that it reads.
      let counts = shape.inputs.map { images * $0.count }
      let own = formats.activations.bytes(of: counts[0])
      let others = counts.dropFirst().map { formats.gradients.bytes(of: $0) }
      let readers = shape.layer.reads.readers(of: 0, among: parts).count - 1
      boundaries.append(
        Boundary(
          name: shape.layer.name,
          forward: readers * own,
          backward: others.reduce(0, +),
          messages: readers + others.count,
          betweenReplicas: others.dropFirst(ranksPerReplica - 1).reduce(0) { $0 + own + $1 }))
    }

    let shapes = network.shapes(ofTower: 0)
    if ranksPerReplica > 1 {
      for number in trunk where number > 0 && network.layers[number].reads != .own {
        exchange(shapes[number], images: own, among: network.towers)
      }
    }
    // The images for which this rank has a part of the logits.
    let scored = images(ofReplicas: groups.map { replicas / $0 } ?? 1)
    var parts: [LayerShape] = []
    if let head, let groups {
      let members = replicas / groups
      let ranks = ranksPerReplica * members
      parts = network.shapes(ofPart: 0, parts: ranks)
      let lengths = parts[0].inputs.map(\.count)
      // Between replicas: the rank's own maps of its own images; within a replica: those of all
      // images.
      let others = (1..<members).reduce(0) { sum, replica in
        sum + evenSplit(scored, part: replica, of: members).count
      }
      func bytes(_ format: WireFormat, images: Int) -> Int {
        owned.reduce(0) { $0 + format.bytes(of: images * lengths[$1]) }
      }
      func within(_ format: WireFormat, of towers: Range<Int>) -> Int {
        (0..<members).reduce(0) { sum, replica in
          let count = evenSplit(scored, part: replica, of: members).count
          return sum + towers.reduce(0) { $0 + format.bytes(of: count * lengths[$1]) }
        }
      }
      let (away, back) = (
        (members - 1) * bytes(formats.activations, images: own),
        bytes(formats.gradients, images: others)
      )
      boundaries.append(
        Boundary(
          name: network.layers[head.lowerBound].name,
          forward: away + (ranksPerReplica - 1) * within(formats.activations, of: owned),
          backward: back
            + (ranksPerReplica > 1 ? within(formats.gradients, of: 1..<network.towers) : 0),
          messages: 2 * ((members - 1) * owned.count + (ranksPerReplica - 1) * members),
          betweenReplicas: away + back))
      for (number, shape) in parts.enumerated() where number > 0 && shape.layer.reads == .all {
        exchange(shape, images: scored, among: ranks)
      }
    }
    if head != nil || ranksPerReplica > 1 {
      boundaries.append(
        Boundary(
          name: BoundaryName.softmax, forward: (smoothsTargets ? 5 : 4) * 8 * scored, backward: 0,
          messages: 2, betweenReplicas: 0))
    }

    /// The bytes of a reduction between replicas, or groups, that hold the same weights.
    func reduction(_ name: String, _ count: Int, among holders: Int) {
      let bytes = 2 * formats.gradients.bytes(of: count) / holders * (holders - 1)
      boundaries.append(
        Boundary(
          name: name, forward: 0, backward: bytes,
          messages: 2 * (holders - 1) * GradientReduction.pieces(of: count),
          betweenReplicas: bytes))
    }
    let count = owned.reduce(0) { sum, tower in
      sum + network.shapes(ofTower: tower)[trunk].reduce(0) { $0 + $1.parameters }
    }
    reduction(BoundaryName.gradients, count, among: replicas)
    if let groups {
      reduction(
        BoundaryName.groupGradients, parts.reduce(0) { $0 + $1.parameters }, among: groups)
    }
    self.boundaries = boundaries.filter { $0.bytes > 0 }
  }
}
