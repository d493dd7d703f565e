import Layers
import MPI
import Networks
import System
import Tensors

/// The messages of an exchange of the batch, in two stages each way.
///
/// Between replicas, which may be on different hosts, a rank sends its maps only to the ranks of
/// the same tower; within a replica, which sits on one host, the ranks pass on what they were sent.
/// So a host receives a number once for its replica, and not once a rank. Backward, gradients are
/// first added up within the replica and sent once. Each rank sends first to those that wait for it
/// first.
final class BatchMessages {
  /// The name of the layer that reads.
  private let name: String
  /// Bytes that this rank has sent in the forward direction.
  var forwardBytes = 0
  /// Bytes that this rank has sent in the backward direction.
  var backwardBytes = 0
  /// Seconds that this rank spent in starting and finishing messages, waiting included.
  private(set) var seconds = 0.0
  /// The images of each replica in the pass that is under way, counted from the first replica's
  /// first.
  private(set) var images: [Range<Int>] = []
  /// The number of the first replica's first image in the whole batch.
  private(set) var firstImage = 0

  let shapes: [MapShape]
  let placement: Placement
  let tag: Int
  let progress: MessageProgress
  /// The other ranks of the replica, which are the towers that they own.
  let replicaRanks: [Int]
  /// What is sent; what comes from each replica; what comes from the other ranks of the replica for
  /// each replica's images.
  let sending = Requests()
  let fromPeers: [Requests]
  let fromReplicaRanks: [Requests]
  /// The maps of all images of each tower, and what this rank found for them.
  let gathered: [Tensor]
  let contributions: [Tensor]
  /// What each rank found for the own towers' maps of all images, by tower.
  let replicaRankContributions: [Tensor]
  /// What the other replicas found for the own images and maps, by replica and own tower.
  let arriving: [[Tensor]]
  /// Maps, and the gradients by them, on their way, by replica and tower; and those that come back.
  let maps: [[WireMessage]]
  let gradients: [[WireMessage]]
  let replicaRankGradients: [[WireMessage]]
  let ownGradients: [[WireMessage]]

  /// Makes the messages; `BatchExchange.init` says what of.
  init(
    name: String, shapes: [MapShape], placement: Placement, batchSize: Int, tag: Int,
    isTrained: Bool, formats: WireFormats, progress: MessageProgress
  ) {
    self.name = name
    self.shapes = shapes
    self.placement = placement
    self.tag = tag
    self.progress = progress
    replicaRanks = (0..<placement.group.size).filter { $0 != placement.group.rank }
    let replicas = 0..<placement.replicas
    fromPeers = replicas.map { _ in Requests() }
    fromReplicaRanks = replicas.map { _ in Requests() }
    gathered = shapes.map { Tensor(batchSize, $0.count) }
    contributions = shapes.map { Tensor(isTrained ? batchSize : 0, $0.count) }
    func room(_ format: WireFormat, _ replica: Int, _ tower: Int) -> WireMessage {
      let most = placement.images(of: batchSize, replica: replica).count
      return WireMessage(capacity: most * shapes[tower].count, format)
    }
    maps = replicas.map { replica in
      shapes.indices.map { room(formats.activations, replica, $0) }
    }
    gradients = replicas.map { replica in
      shapes.indices.map { room(isTrained ? formats.gradients : .fp32, replica, $0) }
    }
    let ownTower = placement.owned.lowerBound
    let isWaitedFor = shapes.indices.map { isTrained && !placement.owned.contains($0) }
    replicaRankContributions = isWaitedFor.map {
      Tensor($0 ? batchSize : 0, shapes[ownTower].count)
    }
    replicaRankGradients = replicas.map { replica in
      isWaitedFor.map { room($0 ? formats.gradients : .fp32, replica, ownTower) }
    }
    let most = placement.images(of: batchSize).count
    arriving = replicas.map { replica in
      placement.owned.map {
        Tensor(isTrained && replica != placement.replica ? most : 0, shapes[$0].count)
      }
    }
    ownGradients = replicas.map { _ in
      placement.owned.map {
        room(isTrained ? formats.gradients : .fp32, placement.replica, $0)
      }
    }
  }

  // MARK: Images

  /// Tells all ranks how many images each replica has in the pass that begins: at the end of a pass
  /// in order, and where damaged records are left out, some have fewer.
  func agree(_ pass: Pass) throws(MPIError) {
    let numbers = [Int64(pass.images), Int64(pass.firstImage)]
    let all = try Activity.waiting(for: "the replicas' images") { () throws(MPIError) in
      try placement.peers.allGather(
        numbers, counts: [Int](repeating: numbers.count, count: placement.replicas))
    }
    var start = 0
    images = (0..<placement.replicas).map { replica in
      let count = Int(all[replica * numbers.count])
      defer { start += count }
      return start..<(start + count)
    }
    firstImage = Int(all[1])
  }

  /// How many images all replicas have together.
  var batch: Int { images.last?.upperBound ?? 0 }

  /// The images of some replicas in a row.
  func rows(of replicas: Range<Int>) -> Range<Int> {
    images[replicas.lowerBound].lowerBound..<images[replicas.upperBound - 1].upperBound
  }

  /// The replicas in the order in which this one needs their maps, its own first; of the others
  /// some at a time: enough images for a product to be worth while, and in a row.
  var replicasInTurn: [Range<Int>] {
    let ownReplica = placement.replica
    var result = [ownReplica..<(ownReplica + 1)]
    for others in [ownReplica + 1..<placement.replicas, 0..<ownReplica] {
      var start = others.lowerBound
      for replica in others {
        let count = images[replica].upperBound - images[start].lowerBound
        guard count >= Self.fewestImages || replica == others.upperBound - 1 else { continue }
        result.append(start..<(replica + 1))
        start = replica + 1
      }
    }
    return result
  }

  /// Fewer images of other replicas are not computed apart.
  private static let fewestImages = 64

  /// The other replicas in the order in which they need what this one has: the one before comes to
  /// this one first.
  var waitingReplicas: [Int] {
    let count = placement.replicas
    return (1..<max(1, count)).map { (placement.replica - $0 + count) % count }
  }

  /// A replica's images among a tower's numbers of all images.
  func numbers(
    _ tensor: Tensor, _ replica: Int, _ tower: Int
  ) -> UnsafeMutableBufferPointer<Float> {
    let length = shapes[tower].count
    return UnsafeMutableBufferPointer(
      start: tensor.pointer + images[replica].lowerBound * length,
      count: images[replica].count * length)
  }

  func start(_ body: () throws(MPIError) -> Void) throws(MPIError) {
    let start = MonotonicClock.seconds
    defer { seconds += MonotonicClock.seconds - start }
    try body()
  }

  func wait(for requests: Requests) throws(MPIError) {
    try start { () throws(MPIError) in
      try Activity.waiting(for: "exchange before \(name)") { () throws(MPIError) in
        try requests.wait()
      }
    }
  }

  /// What has travelled so far.
  var traffic: Traffic {
    Traffic(name: name, bytes: forwardBytes + backwardBytes, seconds: seconds)
  }
}
