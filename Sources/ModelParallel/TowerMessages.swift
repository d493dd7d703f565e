package import Layers
package import MPI
package import Networks
import System
package import Tensors

/// The cross-connection in front of a layer that reads the maps of several towers.
///
/// Forward it is an all-gather: each tower's maps come to all that read them. Every tower then computes something else with
/// them, so backward it is the adjoint, a reduce-scatter: the gradients that the towers found for one tower's
/// maps are added up at their owner. Sending and arithmetic may overlap between `start...` and `finish...`.
/// Where all towers are in one process nothing is copied: a share is the other tower's own tensor.
package final class Exchange {
  /// The name of the layer that reads, `conv3`.
  package let name: String
  /// Bytes that this rank has sent in the forward direction.
  package private(set) var forwardBytes = 0
  /// Bytes that this rank has sent in the backward direction.
  package private(set) var backwardBytes = 0
  /// Seconds that this rank spent in starting and finishing messages, waiting included.
  package private(set) var seconds = 0.0

  private let shapes: [MapShape]
  /// The towers that each tower reads, in ascending order.
  private let reads: [[Int]]
  /// What each tower reads of its own and of the others, by tower.
  private let ownShares: [Share]
  private let otherShares: [[(tower: Int, share: Share)]]
  private let placement: Placement
  private let tag: Int
  private let progress: MessageProgress?
  private let formats: WireFormats
  private let requests = Requests()
  private let partCount: Int
  /// What travels: the own maps part by part, the others' maps by tower and part, gradients for the others' maps,
  /// gradients for the own.
  private let ownMaps: [WireMessage]
  private let otherMaps: [[WireMessage]]
  private let otherGradients: [WireMessage]
  private let ownGradients: [WireMessage]
  /// The maps of the towers of other ranks, by tower.
  private let received: [Tensor?]
  /// What an own tower found for another tower's maps, by own tower and by the maps' tower.
  private let contributions: [[Tensor?]]
  /// What the towers of other ranks found for the own tower's maps, by reader.
  private let arriving: [Tensor?]
  /// The maps of the own towers in the pass that is under way.
  private var own: [Tensor] = []
  private var images = 0

  /// Makes the cross-connection.
  /// - Parameters:
  ///   - name: The name of the layer that reads.
  ///   - shapes: The maps of each tower.
  ///   - reads: The towers that each tower reads, in ascending order and itself among them; nil for all.
  ///   - placement: Where the towers are.
  ///   - batchSize: The largest number of images in a pass.
  ///   - tag: A number that no other exchange of the network has.
  ///   - parts: The parts that the maps are sent in, the same on all ranks.
  ///   - isTrained: Whether there is a backward direction.
  ///   - formats: How the numbers travel.
  ///   - progress: What keeps messages moving; nil for nothing.
  package init(
    name: String, shapes: [MapShape], reads: [[Int]]? = nil, placement: Placement, batchSize: Int,
    tag: Int,
    parts: Int = 1, isTrained: Bool, formats: WireFormats = WireFormats(),
    progress: MessageProgress? = nil
  ) {
    self.name = name
    self.shapes = shapes
    let reads = reads ?? shapes.map { _ in Array(shapes.indices) }
    self.reads = reads
    ownShares = reads.enumerated().map { tower, read in
      Share(index: read.firstIndex(of: tower) ?? 0, isFirst: true, isLast: read.count == 1)
    }
    // The own maps are read before them.
    otherShares = reads.enumerated().map { tower, read in
      let others = read.indices.filter { read[$0] != tower }
      return others.enumerated().map { place, index in
        (read[index], Share(index: index, isFirst: false, isLast: place == others.count - 1))
      }
    }
    self.placement = placement
    self.tag = tag
    self.progress = progress
    self.formats = formats
    partCount = parts
    let owned = placement.owned
    let isSent = placement.isDistributed
    // Where messages are sent, a rank has one tower.
    let reader = owned.lowerBound
    received = shapes.indices.map {
      !owned.contains($0) && reads[reader].contains($0) ? Tensor(batchSize, shapes[$0].count) : nil
    }
    contributions = owned.map { reader in
      shapes.indices.map {
        $0 != reader && reads[reader].contains($0) && isTrained
          ? Tensor(batchSize, shapes[$0].count) : nil
      }
    }
    arriving = shapes.indices.map {
      isSent && isTrained && !owned.contains($0) && reads[$0].contains(reader)
        ? Tensor(batchSize, shapes[reader].count) : nil
    }
    func messages(_ format: WireFormat, _ capacity: (Int) -> Int) -> [WireMessage] {
      shapes.indices.map {
        WireMessage(capacity: isSent && !owned.contains($0) ? batchSize * capacity($0) : 0, format)
      }
    }
    let own = shapes[reader].count
    let partSize = (batchSize + parts - 1) / parts
    func partMessages(_ tower: Int, _ isSent: Bool) -> [WireMessage] {
      (0..<parts).map { _ in
        WireMessage(capacity: isSent ? partSize * shapes[tower].count : 0, formats.activations)
      }
    }
    ownMaps = partMessages(owned.lowerBound, isSent)
    otherMaps = shapes.indices.map {
      partMessages($0, isSent && !owned.contains($0) && reads[reader].contains($0))
    }
    otherGradients = messages(formats.gradients) {
      isTrained && reads[reader].contains($0) ? shapes[$0].count : 0
    }
    ownGradients = messages(formats.gradients) { isTrained && reads[$0].contains(reader) ? own : 0 }
  }

  /// Bytes that a rank sends in one direction for one image.
  package var bytesPerImage: Int {
    guard placement.isDistributed else { return 0 }
    let tower = placement.owned.lowerBound
    return formats.activations.bytes(of: shapes[tower].count) * (readers(of: tower).count - 1)
  }

  /// How a tower reads its own maps, which is always first.
  package func ownShare(of tower: Int) -> Share { ownShares[tower] }

  /// The other towers that a tower reads, and how, in their order.
  package func otherShares(of tower: Int) -> [(tower: Int, share: Share)] { otherShares[tower] }

  /// The towers that read a tower's maps, itself among them.
  private func readers(of tower: Int) -> [Int] {
    reads.indices.filter { reads[$0].contains(tower) }
  }

  /// The images of each part of the pass that is under way.
  package var parts: [Range<Int>] {
    (0..<partCount).map { evenSplit(images, part: $0, of: partCount) }
  }

  /// Starts to receive the maps of the other towers; `send` sends the own ones, part after part.
  /// - Parameters:
  ///   - own: The tensors of the own towers' maps, which may still be in the making.
  ///   - pass: The pass that is under way.
  /// - Throws: `MPIError` where a message fails.
  package func startGather(_ own: [Tensor], _ pass: Pass) throws(MPIError) {
    self.own = own
    images = pass.images
    guard placement.isDistributed else { return }
    let start = MonotonicClock.seconds
    progress?.begin()
    for peer in shapes.indices {
      guard let tensor = received[peer] else { continue }
      for (message, rows) in zip(otherMaps[peer], parts) {
        try message.receive(
          into: slice(tensor, rows, of: peer), from: peer, tag: 2 * tag, over: placement.group,
          in: requests)
      }
    }
    seconds += MonotonicClock.seconds - start
  }

  /// Starts to send the own maps of one of the parts.
  package func send(_ part: Int) throws(MPIError) {
    guard placement.isDistributed else { return }
    let start = MonotonicClock.seconds
    let reader = placement.owned.lowerBound
    let maps = UnsafeBufferPointer(slice(own[0], parts[part], of: reader))
    ownMaps[part].pack(maps)
    for peer in shapes.indices where peer != reader && reads[peer].contains(reader) {
      forwardBytes += try ownMaps[part].send(
        maps, to: peer, tag: 2 * tag, over: placement.group, in: requests)
    }
    seconds += MonotonicClock.seconds - start
  }

  /// Waits until the maps of all towers are here.
  package func finishGather() throws(MPIError) {
    try finish {
      for (peer, tensor) in received.enumerated() {
        guard let tensor else { continue }
        for (message, rows) in zip(otherMaps[peer], parts) {
          message.unpack(into: slice(tensor, rows, of: peer))
        }
      }
    }
  }

  /// The maps of a tower; those of another rank's are here once `finishGather` has returned.
  package func maps(of tower: Int) -> Tensor {
    if placement.owned.contains(tower) { return own[tower - placement.owned.lowerBound] }
    guard let tensor = received[tower] else {
      preconditionFailure("Tower \(tower) does not exist.")
    }
    return tensor
  }

  /// Where an own tower (`reader`) writes the gradient that it found for another tower's maps.
  package func contribution(of reader: Int, to tower: Int) -> Tensor {
    guard let tensor = contributions[reader - placement.owned.lowerBound][tower] else {
      preconditionFailure("There is no gradient of tower \(reader) for tower \(tower)'s maps.")
    }
    return tensor
  }

  /// Starts to send the contributions to the maps' owners and to receive theirs.
  package func startReduceScatter(_ pass: Pass) throws(MPIError) {
    guard placement.isDistributed else { return }
    let start = MonotonicClock.seconds
    progress?.begin()
    let reader = placement.owned.lowerBound
    for peer in shapes.indices {
      if let tensor = arriving[peer] {
        try ownGradients[peer].receive(
          into: slice(tensor, pass.images * shapes[reader].count), from: peer, tag: 2 * tag + 1,
          over: placement.group, in: requests)
      }
    }
    for peer in reads[reader] where peer != reader {
      let gradient = UnsafeBufferPointer(
        slice(contribution(of: reader, to: peer), pass.images * shapes[peer].count))
      otherGradients[peer].pack(gradient)
      backwardBytes += try otherGradients[peer].send(
        gradient, to: peer, tag: 2 * tag + 1, over: placement.group, in: requests)
    }
    seconds += MonotonicClock.seconds - start
  }

  /// Waits for the other towers' contributions and adds them to the own towers' gradients.
  /// - Parameters:
  ///   - gradients: For each own tower, what it found for its own maps; the sum afterwards.
  ///   - pass: The pass that is under way.
  /// - Throws: `MPIError` where a message fails.
  package func finishReduceScatter(into gradients: [Tensor], _ pass: Pass) throws(MPIError) {
    try finish {
      for (peer, tensor) in arriving.enumerated() {
        guard let tensor else { continue }
        let count = pass.images * shapes[placement.owned.lowerBound].count
        ownGradients[peer].unpack(into: slice(tensor, count))
      }
    }
    for (gradient, tower) in zip(gradients, placement.owned) {
      for reader in shapes.indices where reader != tower && reads[reader].contains(tower) {
        let part = arriving[reader] ?? contribution(of: reader, to: tower)
        let (from, to) = (part.pointer, gradient.pointer)
        for i in 0..<(pass.images * shapes[tower].count) { to[i] += from[i] }
      }
    }
  }

  private func finish(_ unpack: () -> Void) throws(MPIError) {
    guard placement.isDistributed else { return }
    let start = MonotonicClock.seconds
    defer { seconds += MonotonicClock.seconds - start }
    try Activity.waiting(for: "exchange before \(name)") { () throws(MPIError) in
      try requests.wait()
    }
    progress?.end()
    unpack()
  }

  private func slice(
    _ tensor: Tensor, _ rows: Range<Int>, of tower: Int
  ) -> UnsafeMutableBufferPointer<Float> {
    let length = shapes[tower].count
    return UnsafeMutableBufferPointer(
      start: tensor.pointer + rows.lowerBound * length, count: rows.count * length)
  }

  private func slice(_ tensor: Tensor, _ count: Int) -> UnsafeMutableBufferPointer<Float> {
    UnsafeMutableBufferPointer(start: tensor.pointer, count: count)
  }
}
