import MPI

/// One message of floats with the room that it needs to travel in another format.
///
/// In 32 bits the floats are sent from where they lie and received where they belong.
final class WireMessage {
  private let format: WireFormat
  private let room: UnsafeMutableBufferPointer<UInt16>

  /// Makes a message of at most `capacity` numbers.
  init(capacity: Int, _ format: WireFormat) {
    self.format = format
    room = .allocate(capacity: format.length(of: capacity))
    room.initialize(repeating: 0)
  }

  deinit { room.deallocate() }

  /// Converts the numbers that `send` then sends to one rank or to several.
  func pack(_ numbers: UnsafeBufferPointer<Float>) {
    if let start = room.baseAddress { format.encode(numbers, into: start) }
  }

  /// Starts to send what was packed last; returns how many bytes.
  func send(
    _ numbers: UnsafeBufferPointer<Float>, to peer: Int, tag: Int, over group: Communicator,
    in requests: Requests
  ) throws(MPIError) -> Int {
    if format == .fp32 {
      try group.startSend(numbers, to: peer, tag: tag, in: requests)
    } else {
      try group.startSend(
        UnsafeBufferPointer(rebasing: room[..<format.length(of: numbers.count)]), to: peer,
        tag: tag, in: requests)
    }
    return format.bytes(of: numbers.count)
  }

  /// Starts to receive; the numbers are there after `unpack`, once the requests are done.
  func receive(
    into numbers: UnsafeMutableBufferPointer<Float>, from peer: Int, tag: Int,
    over group: Communicator,
    in requests: Requests
  ) throws(MPIError) {
    if format == .fp32 {
      try group.startReceive(into: numbers, from: peer, tag: tag, in: requests)
    } else {
      try group.startReceive(
        into: UnsafeMutableBufferPointer(rebasing: room[..<format.length(of: numbers.count)]),
        from: peer, tag: tag, in: requests)
    }
  }

  /// Puts what was received where it belongs.
  func unpack(into numbers: UnsafeMutableBufferPointer<Float>) {
    if let start = room.baseAddress, format != .fp32 { format.decode(start, into: numbers) }
  }
}
