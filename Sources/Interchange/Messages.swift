import CProtobuf
import System

extension WholeFile {
  /// Appends a message piece by piece, so that it is not in memory twice.
  /// - Throws: `Failure` (inputOutput) if it cannot be written.
  func write<Message>(_ message: UnsafeMutablePointer<Message>) throws(Failure) {
    let sink = MessageSink(self)
    var buffer = MessageBuffer(
      base: ProtobufCBuffer { buffer, count, bytes in
        UnsafeMutableRawPointer(buffer)?.assumingMemoryBound(to: MessageBuffer.self).pointee.sink
          .append(UnsafeRawBufferPointer(start: bytes, count: count))
      }, sink: sink)
    withUnsafeMutablePointer(to: &buffer) { buffer in
      _ = protobuf_c_message_pack_to_buffer(
        UnsafeRawPointer(message).assumingMemoryBound(to: ProtobufCMessage.self),
        UnsafeMutableRawPointer(buffer).assumingMemoryBound(to: ProtobufCBuffer.self))
    }
    try sink.flush()
  }
}

/// protobuf-c's buffer, followed by the data that the buffer's function needs.
private struct MessageBuffer {
  let base: ProtobufCBuffer
  let sink: MessageSink
}

/// Collects the small pieces of a packed message, and keeps the first failure.
private final class MessageSink {
  private let file: WholeFile
  private var pending: [UInt8] = []
  private var failure: Failure?

  init(_ file: WholeFile) { self.file = file }

  func append(_ bytes: UnsafeRawBufferPointer) {
    guard failure == nil else { return }
    do throws(Failure) {
      if bytes.count > 1 << 16 {
        try flush()
        try file.write(bytes)
      } else {
        pending.append(contentsOf: bytes)
        if pending.count > 1 << 20 { try flush() }
      }
    } catch {
      failure = error
    }
  }

  func flush() throws(Failure) {
    if let failure { throw failure }
    try file.write(pending)
    pending.removeAll(keepingCapacity: true)
  }
}
