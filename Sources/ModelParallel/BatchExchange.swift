public import Layers
public import MPI
public import Tensors
import Threads

/// The cross-connection where the images of several replicas come together: between convolutions, which each
/// replica computes for its part of the batch, and fully-connected layers, whose neurons are spread over all
/// ranks of a group and see the images of its replicas (Krizhevsky, "One weird trick for parallelizing
/// convolutional neural networks", 2014).
///
/// Forward it is an all-gather of images x maps, backward the adjoint: what every rank found for a replica's
/// images and a tower's maps is added up at their owner. Both go replica by replica, so that some images are computed
/// while others travel: each rank begins with its own replica and goes round from there, and sends first to those
/// that wait for it first.
public final class BatchExchange {
  /// A part of the gathered maps: some images of one tower, all from one rank.
  private struct Block {
    let rank: Int
    let replica: Int
    let tower: Int
  }

  /// The name of the layer that reads, `fc6`.
  public let name: String
  /// Bytes that this rank has sent in the forward direction.
  public private(set) var forwardBytes = 0
  /// Bytes that this rank has sent in the backward direction.
  public private(set) var backwardBytes = 0
  /// Seconds that this rank spent in starting and finishing messages, waiting included.
  public private(set) var seconds = 0.0

  private let shapes: [MapShape]
  private let placement: Placement
  private let tag: Int
  private let formats: WireFormats
  private let progress: MessageProgress
  /// What is sent, and what comes from each replica.
  private let sending = Requests()
  private let arrivals: [Requests]
  private let blocks: [Block]
  /// The maps of all images of each tower, and what this rank found for them.
  private let gathered: [Tensor]
  private let contributions: [Tensor]
  /// What the other ranks found for the own images and maps, by rank and own tower.
  private let arriving: [[Tensor]]
  /// Each block's numbers on their way forward and back, and the other ranks' for the own ones.
  private let maps: [WireMessage]
  private let gradients: [WireMessage]
  private let ownGradients: [[WireMessage]]
  /// The images of each replica in the pass that is under way, counted from the first replica's first.
  public private(set) var images: [Range<Int>] = []
  /// The place of the first replica's first image in the whole batch.
  public private(set) var firstImage = 0

  /// Makes the cross-connection.
  /// - Parameters:
  ///   - name: The name of the layer that reads.
  ///   - shapes: The maps of each tower.
  ///   - placement: Where the towers of the replicas are that come together.
  ///   - batchSize: The largest number of images of these replicas together.
  ///   - tag: A number; it and the next ones up to twice the towers belong to this exchange.
  ///   - isTrained: Whether there is a backward direction.
  ///   - formats: How the numbers travel.
  ///   - progress: What keeps messages moving.
  public init(
    name: String, shapes: [MapShape], placement: Placement, batchSize: Int, tag: Int,
    isTrained: Bool, formats: WireFormats, progress: MessageProgress
  ) {
    self.name = name
    self.shapes = shapes
    self.placement = placement
    self.tag = tag
    self.formats = formats
    self.progress = progress
    let ranksPerReplica = placement.group.size
    blocks = (0..<placement.replicas).flatMap { replica in
      shapes.indices.map { tower in
        Block(
          rank: replica * ranksPerReplica + (ranksPerReplica == 1 ? 0 : tower), replica: replica,
          tower: tower)
      }
    }
    arrivals = (0..<placement.replicas).map { _ in Requests() }
    gathered = shapes.map { Tensor(batchSize, $0.count) }
    contributions = shapes.map { Tensor(isTrained ? batchSize : 0, $0.count) }
    let ownRank = placement.all.rank
    func room(_ block: Block, _ format: WireFormat) -> WireMessage {
      let most = placement.images(of: batchSize, replica: block.replica).count
      return WireMessage(capacity: most * shapes[block.tower].count, format)
    }
    maps = blocks.map { room($0, formats.activations) }
    gradients = blocks.map { room($0, isTrained ? formats.gradients : .fp32) }
    let own = blocks.filter { $0.rank == ownRank }
    let readers = isTrained ? placement.all.size : 0
    let most = placement.images(of: batchSize).count
    arriving = (0..<readers).map { reader in
      own.map { Tensor(reader == ownRank ? 0 : most, shapes[$0.tower].count) }
    }
    ownGradients = (0..<readers).map { _ in own.map { room($0, formats.gradients) } }
  }

  /// Tells all ranks how many images each replica has in the pass that begins: at the end of a pass in order, and
  /// where damaged records are left out, some have fewer.
  public func agree(_ pass: Pass) throws(MPIError) {
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

  /// The other replicas in the order in which this one needs their maps, some at a time: enough images for a product
  /// to be worth while, and in a row.
  public func others(imagesAtLeast least: Int = 64) -> [Range<Int>] {
    var result: [Range<Int>] = []
    for part in [placement.replica + 1..<placement.replicas, 0..<placement.replica] {
      var start = part.lowerBound
      for replica in part {
        let count = images[replica].upperBound - images[start].lowerBound
        guard count >= least || replica == part.upperBound - 1 else { continue }
        result.append(start..<(replica + 1))
        start = replica + 1
      }
    }
    return result
  }

  /// The images of some replicas in a row.
  public func rows(of replicas: Range<Int>) -> Range<Int> {
    images[replicas.lowerBound].lowerBound..<images[replicas.upperBound - 1].upperBound
  }

  /// Starts to send the maps of the own towers to every rank and to receive those of the others.
  public func startGather(_ own: [Tensor]) throws(MPIError) {
    let start = MonotonicClock.seconds
    progress.begin()
    let me = placement.all.rank
    for (number, block) in blocks.enumerated() where block.rank != me {
      try maps[number].receive(
        into: slice(gathered, block), from: block.rank, tag: tag + block.tower,
        over: placement.all, in: arrivals[block.replica])
    }
    for (number, block) in blocks.enumerated() where block.rank == me {
      let place = slice(gathered, block)
      place.baseAddress?.update(
        from: own[block.tower - placement.owned.lowerBound].pointer, count: place.count)
      maps[number].pack(UnsafeBufferPointer(place))
      for peer in ranksInTurn {
        forwardBytes += try maps[number].send(
          UnsafeBufferPointer(place), to: peer, tag: tag + block.tower, over: placement.all,
          in: sending)
      }
    }
    seconds += MonotonicClock.seconds - start
  }

  /// Waits until the maps of a replica are here; of the own one, those of other ranks' towers.
  public func finishGather(of replica: Int) throws(MPIError) {
    try wait(for: arrivals[replica]) {
      for (number, block) in blocks.enumerated()
      where block.replica == replica && block.rank != placement.all.rank {
        maps[number].unpack(into: slice(gathered, block))
      }
    }
  }

  /// Waits until everything is sent that this rank has to send.
  public func finishSending() throws(MPIError) {
    try wait(for: sending) {}
    progress.end()
  }

  /// The other ranks: those of the own replica, then of the one before, which comes to this one next, and so on.
  private var ranksInTurn: [Int] {
    let (size, replicas) = (placement.group.size, placement.replicas)
    return (0..<replicas).flatMap { turn in
      let replica = (placement.replica - turn + replicas) % replicas
      return (replica * size..<(replica + 1) * size).filter { $0 != placement.all.rank }
    }
  }

  /// The images of the batch that this replica has.
  public var ownImages: Range<Int> { images[placement.replica] }

  /// How many images all replicas have together.
  public var batch: Int { images.last?.upperBound ?? 0 }

  /// The maps of all images of a tower; those of a replica are here once `finishGather` has returned for it.
  public func maps(of tower: Int) -> Tensor { gathered[tower] }

  /// Where this rank writes the gradient that it found for a tower's maps, those of all images.
  public func contribution(to tower: Int) -> Tensor { contributions[tower] }

  /// Starts to receive what other ranks find for the own maps.
  public func startReduceScatter() throws(MPIError) {
    let start = MonotonicClock.seconds
    progress.begin()
    for reader in arriving.indices where reader != placement.all.rank {
      for (number, tower) in placement.owned.enumerated() {
        try ownGradients[reader][number].receive(
          into: UnsafeMutableBufferPointer(rebasing: ownPart(arriving[reader][number], tower)),
          from: reader, tag: tag + shapes.count + tower, over: placement.all,
          in: arrivals[reader / placement.group.size])
      }
    }
    seconds += MonotonicClock.seconds - start
  }

  /// Starts to send the contributions to a replica's maps to their owners.
  public func sendContributions(to replica: Int) throws(MPIError) {
    let start = MonotonicClock.seconds
    for (number, block) in blocks.enumerated()
    where block.replica == replica && block.rank != placement.all.rank {
      let gradient = UnsafeBufferPointer(slice(contributions, block))
      gradients[number].pack(gradient)
      backwardBytes += try gradients[number].send(
        gradient, to: block.rank, tag: tag + shapes.count + block.tower, over: placement.all,
        in: sending)
    }
    seconds += MonotonicClock.seconds - start
  }

  /// Waits for all ranks' contributions and adds them up, in the order of the ranks.
  /// - Parameter sums: For each own tower the gradient by its maps of the own images.
  /// - Throws: `MPIError` where a message fails.
  public func finishReduceScatter(into sums: [Tensor]) throws(MPIError) {
    for replica in 0..<placement.replicas { try wait(for: arrivals[replica]) {} }
    for reader in arriving.indices where reader != placement.all.rank {
      for (number, tower) in placement.owned.enumerated() {
        ownGradients[reader][number].unpack(
          into: UnsafeMutableBufferPointer(rebasing: ownPart(arriving[reader][number], tower)))
      }
    }
    try finishSending()
    for ((number, tower), sum) in zip(placement.owned.enumerated(), sums) {
      let count = ownImages.count * shapes[tower].count
      let own = contributions[tower].pointer + ownImages.lowerBound * shapes[tower].count
      for reader in arriving.indices {
        let part =
          reader == placement.all.rank ? own : arriving[reader][number].pointer
        if reader == 0 {
          sum.pointer.update(from: part, count: count)
        } else {
          for i in 0..<count { sum.pointer[i] += part[i] }
        }
      }
    }
  }

  private func wait(for requests: Requests, _ unpack: () -> Void) throws(MPIError) {
    let start = MonotonicClock.seconds
    defer { seconds += MonotonicClock.seconds - start }
    try Activity.waiting(for: "exchange before \(name)") { () throws(MPIError) in
      try requests.wait()
    }
    unpack()
  }

  /// A block's place among the maps of all images.
  private func slice(_ tensors: [Tensor], _ block: Block) -> UnsafeMutableBufferPointer<Float> {
    let length = shapes[block.tower].count
    let images = images[block.replica]
    return UnsafeMutableBufferPointer(
      start: tensors[block.tower].pointer + images.lowerBound * length,
      count: images.count * length)
  }

  private func ownPart(_ tensor: Tensor, _ tower: Int) -> Slice<UnsafeMutableBufferPointer<Float>> {
    tensor.elements[..<(ownImages.count * shapes[tower].count)]
  }
}
