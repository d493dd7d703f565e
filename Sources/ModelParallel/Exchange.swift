public import Layers
public import MPI
public import Tensors
import Threads

/// The cross-connection in front of a layer that reads the maps of every tower.
///
/// Forward it is an all-gather: each tower's maps come to all. Every tower then computes something else with
/// them, so backward it is the adjoint, a reduce-scatter: the gradients that the towers found for one tower's
/// maps are added up at their owner. Sending and arithmetic may overlap between `start...` and `finish...`.
/// Where all towers are in one process nothing is copied: a share is the other tower's own tensor.
public final class Exchange {
  /// The name of the layer that reads, `conv3`.
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
  private let requests = Requests()
  /// The maps of the towers of other ranks, by tower.
  private let received: [Tensor?]
  /// What an own tower found for another tower's maps, by own tower and by the maps' tower.
  private let contributions: [[Tensor?]]
  /// What the towers of other ranks found for the own tower's maps, by reader.
  private let arriving: [Tensor?]
  /// The maps of the own towers in the pass that is under way.
  private var own: [Tensor] = []

  /// Makes the cross-connection.
  /// - Parameters:
  ///   - name: The name of the layer that reads.
  ///   - shapes: The maps of each tower.
  ///   - placement: Where the towers are.
  ///   - batchSize: The largest number of images in a pass.
  ///   - tag: A number that no other exchange of the network has.
  ///   - isTrained: Whether there is a backward direction.
  public init(
    name: String, shapes: [MapShape], placement: Placement, batchSize: Int, tag: Int,
    isTrained: Bool
  ) {
    self.name = name
    self.shapes = shapes
    self.placement = placement
    self.tag = tag
    let owned = placement.owned
    let isSent = placement.isDistributed
    received = shapes.indices.map {
      owned.contains($0) ? nil : Tensor(batchSize, shapes[$0].count)
    }
    contributions = owned.map { reader in
      shapes.indices.map {
        $0 != reader && isTrained ? Tensor(batchSize, shapes[$0].count) : nil
      }
    }
    arriving = shapes.indices.map {
      isSent && isTrained && !owned.contains($0)
        ? Tensor(batchSize, shapes[owned.lowerBound].count) : nil
    }
  }

  /// Bytes that a rank sends in one direction for one image.
  public var bytesPerImage: Int {
    guard placement.isDistributed else { return 0 }
    let own = shapes[placement.owned.lowerBound].count
    return own * (shapes.count - 1) * MemoryLayout<Float>.stride
  }

  /// Starts to send the maps of the own towers and to receive those of the others.
  public func startGather(_ own: [Tensor], _ pass: Pass) throws(MPIError) {
    self.own = own
    guard placement.isDistributed else { return }
    let start = MonotonicClock.seconds
    for peer in shapes.indices where !placement.owned.contains(peer) {
      if let tensor = received[peer] {
        try placement.group.startReceive(
          into: slice(tensor, pass.images * shapes[peer].count), from: peer, tag: 2 * tag,
          in: requests)
      }
    }
    let maps = UnsafeBufferPointer(
      slice(own[0], pass.images * shapes[placement.owned.lowerBound].count))
    for peer in shapes.indices where !placement.owned.contains(peer) {
      try placement.group.startSend(maps, to: peer, tag: 2 * tag, in: requests)
      forwardBytes += maps.count * MemoryLayout<Float>.stride
    }
    seconds += MonotonicClock.seconds - start
  }

  /// Waits until the maps of all towers are here.
  public func finishGather() throws(MPIError) { try finish() }

  /// The maps of a tower; those of another rank's are here once `finishGather` has returned.
  public func maps(of tower: Int) -> Tensor {
    if placement.owned.contains(tower) { return own[tower - placement.owned.lowerBound] }
    guard let tensor = received[tower] else {
      preconditionFailure("Tower \(tower) does not exist.")
    }
    return tensor
  }

  /// Where an own tower (`reader`) writes the gradient that it found for another tower's maps.
  public func contribution(of reader: Int, to tower: Int) -> Tensor {
    guard let tensor = contributions[reader - placement.owned.lowerBound][tower] else {
      preconditionFailure("There is no gradient of tower \(reader) for tower \(tower)'s maps.")
    }
    return tensor
  }

  /// Starts to send the contributions to the maps' owners and to receive theirs.
  public func startReduceScatter(_ pass: Pass) throws(MPIError) {
    guard placement.isDistributed else { return }
    let start = MonotonicClock.seconds
    let reader = placement.owned.lowerBound
    for peer in shapes.indices {
      if let tensor = arriving[peer] {
        try placement.group.startReceive(
          into: slice(tensor, pass.images * shapes[reader].count), from: peer, tag: 2 * tag + 1,
          in: requests)
      }
    }
    for peer in shapes.indices where peer != reader {
      let gradient = UnsafeBufferPointer(
        slice(contribution(of: reader, to: peer), pass.images * shapes[peer].count))
      try placement.group.startSend(gradient, to: peer, tag: 2 * tag + 1, in: requests)
      backwardBytes += gradient.count * MemoryLayout<Float>.stride
    }
    seconds += MonotonicClock.seconds - start
  }

  /// Waits for the other towers' contributions and adds them to the own towers' gradients.
  /// - Parameters:
  ///   - gradients: For each own tower, what it found for its own maps; the sum afterwards.
  ///   - pass: The pass that is under way.
  /// - Throws: `MPIError` where a message fails.
  public func finishReduceScatter(into gradients: [Tensor], _ pass: Pass) throws(MPIError) {
    try finish()
    for (gradient, tower) in zip(gradients, placement.owned) {
      for reader in shapes.indices where reader != tower {
        let part = arriving[reader] ?? contribution(of: reader, to: tower)
        let (from, to) = (part.pointer, gradient.pointer)
        for i in 0..<(pass.images * shapes[tower].count) { to[i] += from[i] }
      }
    }
  }

  private func finish() throws(MPIError) {
    let start = MonotonicClock.seconds
    try requests.wait()
    seconds += MonotonicClock.seconds - start
  }

  private func slice(_ tensor: Tensor, _ count: Int) -> UnsafeMutableBufferPointer<Float> {
    UnsafeMutableBufferPointer(start: tensor.pointer, count: count)
  }
}
