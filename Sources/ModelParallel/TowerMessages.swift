import Layers
import MPI
import Networks
import System
import Tensors

/// The messages of an exchange between the towers of a replica, one tower a rank; none where all
/// are in one process.
///
/// Maps travel forward, cut into parts, and the gradients by them backward. Between `start...` and
/// `finish...` there is time for arithmetic.
final class TowerMessages {
  /// Bytes that this rank has sent in the forward direction.
  private(set) var forwardBytes = 0
  /// Bytes that this rank has sent in the backward direction.
  private(set) var backwardBytes = 0
  /// Seconds that this rank spent in starting and finishing messages, waiting included.
  private(set) var seconds = 0.0

  /// The name of the layer that reads.
  private let name: String
  private let shapes: [MapShape]
  /// The towers that each tower reads, in ascending order.
  private let reads: [[Int]]
  private let placement: Placement
  private let tag: Int
  private let progress: MessageProgress?
  private let formats: WireFormats
  private let requests = Requests()
  private let partCount: Int
  /// What travels: the own maps part by part, the others' maps by tower and part, gradients for the
  /// others' maps, gradients for the own.
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
  private var ownTensors: [Tensor] = []
  private var images = 0

  /// Makes the messages; `Exchange.init` says what of.
  init(
    name: String, shapes: [MapShape], reads: [[Int]], placement: Placement, batchSize: Int,
    tag: Int, parts: Int, isTrained: Bool, formats: WireFormats, progress: MessageProgress?
  ) {
    self.name = name
    self.shapes = shapes
    self.reads = reads
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
    let ownLength = shapes[reader].count
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
    ownGradients = messages(formats.gradients) {
      isTrained && reads[$0].contains(reader) ? ownLength : 0
    }
  }

  /// The images of each part of the pass that is under way.
  var parts: [Range<Int>] {
    (0..<partCount).map { evenSplit(images, part: $0, of: partCount) }
  }

  /// Starts to receive the maps of the other towers; `send` sends the own ones, part after part.
  ///
  /// `x` are the maps of the own towers, which may still be in the making.
  func startGather(_ x: [Tensor], _ pass: Pass) throws(MPIError) {
    ownTensors = x
    images = pass.images
    guard placement.isDistributed else { return }
    let start = MonotonicClock.seconds
    progress?.begin()
    for peer in shapes.indices {
      guard let tensor = received[peer] else { continue }
      for (message, rows) in zip(otherMaps[peer], parts) {
        try message.receive(
          into: numbers(tensor, rows, of: peer), from: peer, tag: 2 * tag, over: placement.group,
          in: requests)
      }
    }
    seconds += MonotonicClock.seconds - start
  }

  /// Starts to send the own maps of one of the parts.
  func send(_ part: Int) throws(MPIError) {
    guard placement.isDistributed else { return }
    let start = MonotonicClock.seconds
    let reader = placement.owned.lowerBound
    let maps = UnsafeBufferPointer(numbers(ownTensors[0], parts[part], of: reader))
    ownMaps[part].pack(maps)
    for peer in shapes.indices where peer != reader && reads[peer].contains(reader) {
      forwardBytes += try ownMaps[part].send(
        maps, to: peer, tag: 2 * tag, over: placement.group, in: requests)
    }
    seconds += MonotonicClock.seconds - start
  }

  /// Waits until the maps of all towers are here.
  func finishGather() throws(MPIError) {
    try finish {
      for (peer, tensor) in received.enumerated() {
        guard let tensor else { continue }
        for (message, rows) in zip(otherMaps[peer], parts) {
          message.unpack(into: numbers(tensor, rows, of: peer))
        }
      }
    }
  }

  /// The maps of a tower; those of another rank's are here once `finishGather` has returned.
  func maps(of tower: Int) -> Tensor {
    if placement.owned.contains(tower) { return ownTensors[tower - placement.owned.lowerBound] }
    guard let tensor = received[tower] else {
      preconditionFailure("A tower of this rank must read tower \(tower).")
    }
    return tensor
  }

  /// The gradient that a tower (`reader`) found for another tower's maps; one of the two is this
  /// rank's.
  func contribution(of reader: Int, to tower: Int) -> Tensor {
    let found =
      placement.owned.contains(reader)
      ? contributions[reader - placement.owned.lowerBound][tower] : arriving[reader]
    guard let found else { preconditionFailure("Tower \(reader) must read tower \(tower).") }
    return found
  }

  /// Starts to send the contributions to the maps' owners and to receive theirs.
  func startReduceScatter(_ pass: Pass) throws(MPIError) {
    guard placement.isDistributed else { return }
    let start = MonotonicClock.seconds
    progress?.begin()
    let reader = placement.owned.lowerBound
    for peer in shapes.indices {
      if let tensor = arriving[peer] {
        try ownGradients[peer].receive(
          into: numbers(tensor, pass.images * shapes[reader].count), from: peer, tag: 2 * tag + 1,
          over: placement.group, in: requests)
      }
    }
    for peer in reads[reader] where peer != reader {
      let gradient = UnsafeBufferPointer(
        numbers(contribution(of: reader, to: peer), pass.images * shapes[peer].count))
      otherGradients[peer].pack(gradient)
      backwardBytes += try otherGradients[peer].send(
        gradient, to: peer, tag: 2 * tag + 1, over: placement.group, in: requests)
    }
    seconds += MonotonicClock.seconds - start
  }

  /// Waits for the other towers' contributions to the own maps.
  func finishReduceScatter(_ pass: Pass) throws(MPIError) {
    try finish {
      for (peer, tensor) in arriving.enumerated() {
        guard let tensor else { continue }
        let count = pass.images * shapes[placement.owned.lowerBound].count
        ownGradients[peer].unpack(into: numbers(tensor, count))
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

  private func numbers(
    _ tensor: Tensor, _ rows: Range<Int>, of tower: Int
  ) -> UnsafeMutableBufferPointer<Float> {
    let length = shapes[tower].count
    return UnsafeMutableBufferPointer(
      start: tensor.pointer + rows.lowerBound * length, count: rows.count * length)
  }

  private func numbers(_ tensor: Tensor, _ count: Int) -> UnsafeMutableBufferPointer<Float> {
    UnsafeMutableBufferPointer(start: tensor.pointer, count: count)
  }
}
