/// A growable byte buffer that is reused; each thread has its own.
package final class ByteBuffer {
  /// The number of bytes that it holds.
  package private(set) var count = 0
  private var memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 64)

  package init() {}

  deinit { memory.deallocate() }

  /// The bytes, valid until the next `resize`.
  package var bytes: UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(rebasing: memory[..<count])
  }

  /// Resizes to exactly `count` bytes, whose values are undefined.
  package func resize(_ count: Int) {
    if count > memory.count {
      memory.deallocate()
      memory = .allocate(byteCount: max(count, 2 * memory.count), alignment: 64)
    }
    self.count = count
  }
}
