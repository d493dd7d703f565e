/// Memory for bytes that grows and is used again; one for each thread.
package final class ByteBuffer {
  /// The number of bytes that it holds.
  package private(set) var count = 0
  private var memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 64)

  /// Makes an empty buffer.
  package init() {}

  deinit { memory.deallocate() }

  /// The bytes, valid until the next `resize`.
  package var bytes: UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(rebasing: memory[..<count])
  }

  /// Makes room for exactly `count` bytes, whose values are undefined.
  package func resize(_ count: Int) {
    if count > memory.count {
      memory.deallocate()
      memory = .allocate(byteCount: max(count, 2 * memory.count), alignment: 64)
    }
    self.count = count
  }
}
