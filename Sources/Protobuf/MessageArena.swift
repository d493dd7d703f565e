package import CProtobuf
import Glibc

/// The memory of the messages of one file: they point into it, and it goes with the object.
package final class MessageArena {
  private var blocks: [UnsafeMutableRawPointer] = []

  package init() {}

  deinit { for block in blocks { free(block) } }

  /// A message with its defaults.
  package func make<Message>(
    _ initialize: (UnsafeMutablePointer<Message>?) -> Void
  ) -> UnsafeMutablePointer<Message> {
    let message = room(for: Message.self, 1)
    initialize(message)
    return message
  }

  /// A text, ended by a zero.
  package func text(_ text: String) -> UnsafeMutablePointer<CChar> {
    let letters = text.utf8CString
    let copy = room(for: CChar.self, letters.count)
    for (place, letter) in letters.enumerated() { (copy + place).initialize(to: letter) }
    return copy
  }

  /// A repeated field: its count and its elements.
  package func list<Element>(_ elements: [Element]) -> (Int, UnsafeMutablePointer<Element>?) {
    guard !elements.isEmpty else { return (0, nil) }
    let copy = room(for: Element.self, elements.count)
    // One copy of the whole: an element at a time, a network's weights take seconds.
    elements.withUnsafeBufferPointer { elements in
      if let start = elements.baseAddress { copy.initialize(from: start, count: elements.count) }
    }
    return (elements.count, copy)
  }

  /// The bytes of numbers, as a field of bytes.
  package func bytes<Number: BitwiseCopyable>(_ numbers: [Number]) -> ProtobufCBinaryData {
    let (count, copy) = list(numbers)
    return ProtobufCBinaryData(
      len: count * MemoryLayout<Number>.stride,
      data: copy.map {
        UnsafeMutableRawPointer($0).assumingMemoryBound(to: UInt8.self)
      })
  }

  /// The message as it stands in a file.
  package func packed<Message>(_ message: UnsafeMutablePointer<Message>) -> [UInt8] {
    let base = UnsafeRawPointer(message).assumingMemoryBound(to: ProtobufCMessage.self)
    return [UInt8](unsafeUninitializedCapacity: protobuf_c_message_get_packed_size(base)) {
      $1 = protobuf_c_message_pack(base, $0.baseAddress)
    }
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
