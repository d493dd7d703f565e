package import MPI
import System
package import Tensors

/// Adds up the gradients of the replicas, tensor by tensor, while the backward pass goes on.
///
/// A tensor is cut into pieces, and a piece into a chunk for each replica. First a replica sends
/// every other one its numbers of that one's chunk (reduce-scatter); the owner adds them up in the
/// order of the replicas, and sends the sum to all (all-gather). So each sum is computed by one
/// replica, and all replicas hold the same bits. With R replicas a rank sends 2 (R - 1) / R times
/// the gradients' bytes, the least that is possible.
package final class GradientReduction: @unchecked Sendable {
  /// Bytes that this rank has sent.
  package var bytes: Int { monitor.locked { sentBytes } }
  /// Seconds that `finish` has waited so far: what the backward pass could not hide.
  package private(set) var seconds = 0.0

  private let peers: Communicator
  private let progress: MessageProgress
  private let format: WireFormat
  private let pieceLength: Int
  private let monitor = Monitor()
  // Inside `monitor.locked`.
  private var queue: [ReductionPiece] = []
  private var sentBytes = 0
  // Touched by whoever advances the messages, one at a time.
  private var active: [ReductionPiece] = []
  private var idle: [ReductionRoom] = []

  /// Pieces that a gradient of so many numbers is cut into.
  package static func pieces(of count: Int) -> Int {
    (count + defaultPieceLength - 1) / defaultPieceLength
  }

  /// Numbers of a piece: large enough for the link's full speed, small enough to start early.
  package static let defaultPieceLength = 1 << 21
  /// The memory of the pieces that are under way, in bytes.
  package static var memory: Int { mostActive * defaultPieceLength * MemoryLayout<Float>.stride }

  /// Pieces that are under way at a time.
  private static let mostActive = 4
  /// Tags of a tensor.
  private static let tagsOfTensor = 1 << 12

  /// Makes the reduction of a network's gradients; nil where there is one replica.
  /// - Parameters:
  ///   - placement: Where the replicas are.
  ///   - format: How gradients travel.
  ///   - progress: What keeps messages moving.
  ///   - pieceLength: The most numbers of a piece.
  /// - Throws: `MPIError` where a message fails.
  package init?(
    _ placement: Placement, format: WireFormat, progress: MessageProgress,
    pieceLength: Int = defaultPieceLength
  ) throws(MPIError) {
    guard placement.replicas > 1 else { return nil }
    // A communicator for these messages alone: the pieces' tags start from 0.
    peers = try placement.peers.duplicate()
    self.progress = progress
    self.format = format
    self.pieceLength = pieceLength
    progress.add { [unowned self] () throws(MPIError) in try advance() }
  }

  /// Starts to replace a tensor by its sum over the replicas; it must be left alone until `finish`.
  /// - Parameters:
  ///   - tensor: The gradient.
  ///   - number: A number that no other tensor of this step has, the same on all replicas.
  package func start(_ tensor: Tensor, number: Int) {
    let starts = Array(stride(from: 0, to: tensor.count, by: pieceLength))
    precondition(
      starts.count < Self.tagsOfTensor / 2, "The tensor must fit into its range of message tags.")
    monitor.locked {
      for (piece, start) in starts.enumerated() {
        queue.append(
          ReductionPiece(
            tensor.elements[start..<min(tensor.count, start + pieceLength)],
            tag: number * Self.tagsOfTensor + 2 * piece))
      }
    }
    progress.wake()
  }

  /// Waits until all tensors hold their sums.
  package func finish() throws(MPIError) {
    let start = MonotonicClock.seconds
    defer { seconds += MonotonicClock.seconds - start }
    try Activity.waiting(for: "sum of gradients over replicas") { () throws(MPIError) in
      try progress.finish()
    }
  }

  /// Takes every piece as far as its messages have come; returns whether any is left.
  private func advance() throws(MPIError) -> Bool {
    var left: [ReductionPiece] = []
    for piece in active {
      if try piece.advance(over: peers, format) {
        if let room = piece.room { idle.append(room) }
        monitor.locked { sentBytes += piece.bytes }
      } else {
        left.append(piece)
      }
    }
    active = left
    while active.count < Self.mostActive {
      guard let piece = monitor.locked({ queue.isEmpty ? nil : queue.removeFirst() }) else { break }
      let room =
        idle.popLast() ?? ReductionRoom(replicas: peers.size, length: pieceLength, format)
      try piece.start(in: room, over: peers)
      active.append(piece)
    }
    return !active.isEmpty
  }
}
