import MPI
import System

/// The room that a piece of a gradient needs on its way.
final class ReductionRoom {
  /// What the other replicas have for this one's chunk, by replica.
  let chunks: [UnsafeMutableBufferPointer<Float>]
  /// Messages to each replica, from each replica.
  let outgoing: [WireMessage]
  let incoming: [WireMessage]

  init(replicas: Int, length: Int, _ format: WireFormat) {
    let chunk = (length + replicas - 1) / replicas
    chunks = (0..<replicas).map { _ in .allocate(capacity: chunk) }
    for buffer in chunks { buffer.initialize(repeating: 0) }
    outgoing = (0..<replicas).map { _ in WireMessage(capacity: chunk, format) }
    incoming = (0..<replicas).map { _ in WireMessage(capacity: chunk, format) }
  }

  deinit { for buffer in chunks { buffer.deallocate() } }
}

/// A piece of a gradient on its way to being the sum over all replicas.
final class ReductionPiece {
  private enum Phase { case scattering, gathering }

  /// The room that it was given; it is free again when `advance` is true.
  private(set) var room: ReductionRoom?
  /// Bytes that were sent for it.
  private(set) var bytes = 0
  private let numbers: UnsafeMutableBufferPointer<Float>
  private let tag: Int
  private let requests = Requests()
  private var phase = Phase.scattering

  init(_ numbers: Slice<UnsafeMutableBufferPointer<Float>>, tag: Int) {
    self.numbers = UnsafeMutableBufferPointer(rebasing: numbers)
    self.tag = tag
  }

  /// The chunk of the piece that a replica adds up.
  private func chunk(_ replica: Int, of replicas: Int) -> UnsafeMutableBufferPointer<Float> {
    let range = evenSplit(numbers.count, part: replica, of: replicas)
    return UnsafeMutableBufferPointer(rebasing: numbers[range])
  }

  /// Starts the reduce-scatter.
  func start(in room: ReductionRoom, over peers: Communicator) throws(MPIError) {
    self.room = room
    let ownCount = chunk(peers.rank, of: peers.size).count
    for peer in 0..<peers.size where peer != peers.rank {
      try room.incoming[peer].receive(
        into: UnsafeMutableBufferPointer(rebasing: room.chunks[peer][..<ownCount]), from: peer,
        tag: tag,
        over: peers, in: requests)
    }
    for peer in 0..<peers.size where peer != peers.rank {
      let theirs = UnsafeBufferPointer(chunk(peer, of: peers.size))
      room.outgoing[peer].pack(theirs)
      bytes += try room.outgoing[peer].send(theirs, to: peer, tag: tag, over: peers, in: requests)
    }
  }

  /// Goes on where messages have arrived; returns whether the piece is done.
  func advance(over peers: Communicator, _ format: WireFormat) throws(MPIError) -> Bool {
    guard let room, try requests.test() else { return false }
    switch phase {
    case .scattering:
      let ownChunk = chunk(peers.rank, of: peers.size)
      for peer in 0..<peers.size where peer != peers.rank {
        room.incoming[peer].unpack(
          into: UnsafeMutableBufferPointer(rebasing: room.chunks[peer][..<ownChunk.count]))
      }
      Timeline.span("add up gradients", .reduction) {
        add(room.chunks, to: ownChunk, at: peers.rank)
      }
      try startGather(ownChunk, room, over: peers)
      phase = .gathering
      return false
    case .gathering:
      for peer in 0..<peers.size where peer != peers.rank {
        room.incoming[peer].unpack(into: chunk(peer, of: peers.size))
      }
      return true
    }
  }

  /// Adds up the own chunk in the order of the replicas, whoever the owner is.
  private func add(
    _ chunks: [UnsafeMutableBufferPointer<Float>], to ownChunk: UnsafeMutableBufferPointer<Float>,
    at replica: Int
  ) {
    // Replicas may outnumber a piece's numbers.
    guard !ownChunk.isEmpty else { return }
    let sum = ownChunk.start
    if replica > 0 {
      // What comes before the own numbers is added up first.
      let first = chunks[0].start
      for chunk in chunks[1..<replica] { for i in 0..<ownChunk.count { first[i] += chunk[i] } }
      for i in 0..<ownChunk.count { sum[i] = first[i] + sum[i] }
    }
    for chunk in chunks[(replica + 1)...] { for i in 0..<ownChunk.count { sum[i] += chunk[i] } }
  }

  private func startGather(
    _ ownChunk: UnsafeMutableBufferPointer<Float>, _ room: ReductionRoom, over peers: Communicator
  ) throws(MPIError) {
    for peer in 0..<peers.size where peer != peers.rank {
      try room.incoming[peer].receive(
        into: chunk(peer, of: peers.size), from: peer, tag: tag + 1, over: peers, in: requests)
    }
    // One message for all: the owner, too, goes on with what the others can read from it.
    let message = room.outgoing[peers.rank]
    message.pack(UnsafeBufferPointer(ownChunk))
    for peer in 0..<peers.size where peer != peers.rank {
      bytes += try message.send(
        UnsafeBufferPointer(ownChunk), to: peer, tag: tag + 1, over: peers, in: requests)
    }
    message.unpack(into: ownChunk)
  }
}
