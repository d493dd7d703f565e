import CProtobuf
import Failures
import Glibc

/// The memory of the messages of one file: they point into it, and it goes with the object.
final class MessageArena {
  private var blocks: [UnsafeMutableRawPointer] = []

  deinit { for block in blocks { free(block) } }

  /// A message with its defaults.
  func make<Message>(
    _ initialize: (UnsafeMutablePointer<Message>?) -> Void
  ) -> UnsafeMutablePointer<Message> {
    let message = room(for: Message.self, 1)
    initialize(message)
    return message
  }

  /// A text, ended by a zero.
  func text(_ text: String) -> UnsafeMutablePointer<CChar> {
    let letters = text.utf8CString
    let copy = room(for: CChar.self, letters.count)
    for (place, letter) in letters.enumerated() { (copy + place).initialize(to: letter) }
    return copy
  }

  /// A repeated field: its count and its elements.
  func list<Element>(_ elements: [Element]) -> (Int, UnsafeMutablePointer<Element>?) {
    guard !elements.isEmpty else { return (0, nil) }
    let copy = room(for: Element.self, elements.count)
    for (place, element) in elements.enumerated() { (copy + place).initialize(to: element) }
    return (elements.count, copy)
  }

  /// The bytes of numbers, as a field of bytes.
  func bytes<Number: BitwiseCopyable>(_ numbers: [Number]) -> ProtobufCBinaryData {
    let (count, copy) = list(numbers)
    return ProtobufCBinaryData(
      len: count * MemoryLayout<Number>.stride,
      data: copy.map {
        UnsafeMutableRawPointer($0).assumingMemoryBound(to: UInt8.self)
      })
  }

  private func room<Element>(for type: Element.Type, _ count: Int) -> UnsafeMutablePointer<Element>
  {
    guard let memory = calloc(max(1, count), MemoryLayout<Element>.stride) else {
      fatalError("No memory for a message.")
    }
    blocks.append(memory)
    return memory.bindMemory(to: type, capacity: count)
  }
}

extension WholeFile {
  /// Appends a message, piece by piece: it is not in memory a second time.
  /// - Throws: `Failure` (inputOutput) where it cannot be written.
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

/// protobuf-c's buffer, and behind it what the buffer's function needs.
private struct MessageBuffer {
  let base: ProtobufCBuffer
  let sink: MessageSink
}

/// Collects the small pieces that a message is packed in, and remembers the first failure.
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
