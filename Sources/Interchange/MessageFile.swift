import CProtobuf
import Glibc
import System

/// protobuf's limit on a message, in bytes.
let largestMessage = 1 << 31

/// A protobuf message read from a file; it is freed with this object.
final class MessageFile<Message> {
  let pointer: UnsafeMutablePointer<Message>
  private let release:
    (UnsafeMutablePointer<Message>?, UnsafeMutablePointer<ProtobufCAllocator>?) -> Void

  /// Reads a message.
  /// - Parameters:
  ///   - path: The file.
  ///   - kind: The expected kind, for messages.
  ///   - unpack: protobuf-c's function for the message.
  ///   - release: protobuf-c's function that frees it.
  /// - Throws: `Failure` (inputMissing) if the file cannot be opened, (badData) if it does not hold
  ///   such a message.
  init(
    _ path: String, _ kind: String,
    unpack: (UnsafeMutablePointer<ProtobufCAllocator>?, Int, UnsafePointer<UInt8>?) ->
      UnsafeMutablePointer<Message>?,
    release:
      @escaping (UnsafeMutablePointer<Message>?, UnsafeMutablePointer<ProtobufCAllocator>?) -> Void
  ) throws(Failure) {
    let file = try RegularFile(path)
    defer { close(file.descriptor) }
    let length = file.length
    guard length > 0, length < largestMessage else {
      throw Failure(.badData, "\(quoted(path)) has \(length) bytes and is not \(kind).")
    }
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: length, alignment: 64)
    defer { bytes.deallocate() }
    let code = WholeTransfer.read(into: bytes, from: file.descriptor)
    guard code == 0 else {
      throw .system(.inputOutput, "\(quoted(path)) cannot be read", errno: code)
    }
    // A layer of two bytes becomes a struct of a hundred, so the memory that a small file can
    // request is limited.
    let budget = MemoryBudget(8 * length + 1 << 20)
    var allocator = ProtobufCAllocator(
      alloc: { context, size in
        context.flatMap { Unmanaged<MemoryBudget>.fromOpaque($0).takeUnretainedValue().take(size) }
      },
      free: { _, memory in Glibc.free(memory) },
      allocator_data: Unmanaged.passUnretained(budget).toOpaque())
    let message = withExtendedLifetime(budget) {
      unpack(&allocator, length, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
    }
    guard let message else {
      throw Failure(.badData, "\(quoted(path)) is not \(kind), or is incomplete.")
    }
    pointer = message
    self.release = release
  }

  // All blocks come from `malloc`; protobuf-c's default allocator frees them.
  deinit { release(pointer, nil) }
}

/// The memory that may still be allocated.
private final class MemoryBudget {
  private var rest: Int

  init(_ bytes: Int) { rest = bytes }

  func take(_ size: Int) -> UnsafeMutableRawPointer? {
    guard size <= rest else { return nil }
    rest -= size
    return malloc(size)
  }
}

/// The text of a message; empty if there is none.
func text(_ letters: UnsafeMutablePointer<CChar>?) -> String {
  letters.map { String(cString: $0) } ?? ""
}

/// The messages of a repeated field.
func list<Message>(
  _ start: UnsafeMutablePointer<UnsafeMutablePointer<Message>?>?, _ count: Int
) -> [Message] {
  UnsafeBufferPointer(start: start, count: count).compactMap { $0?.pointee }
}

/// The numbers of a repeated field.
func list<Number>(_ start: UnsafeMutablePointer<Number>?, _ count: Int) -> [Number] {
  Array(UnsafeBufferPointer(start: start, count: count))
}

/// The number of elements of a tensor with these dimensions; nil if one is negative, or the product
/// is more than any file holds.
func elementCount(_ lengths: [Int64]) -> Int? {
  var count = 1
  for length in lengths {
    let (next, overflow) = count.multipliedReportingOverflow(by: Int(length))
    guard length >= 0, !overflow, next < 1 << 40 else { return nil }
    count = next
  }
  return count
}

/// The texts of a repeated field.
func texts(
  _ start: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?, _ count: Int
) -> [String] {
  UnsafeBufferPointer(start: start, count: count).map { text($0) }
}
