import Glibc

/// Reads or writes all bytes of a buffer, with as many system calls as needed.
package enum WholeTransfer {
  /// Writes all bytes.
  /// - Parameters:
  ///   - bytes: The bytes.
  ///   - descriptor: The file.
  ///   - offset: The offset of the first byte in the file; nil for the current position.
  /// - Returns: 0, or the system's error number (`ENOSPC` if nothing more can be written).
  package static func write(
    _ bytes: UnsafeRawBufferPointer, to descriptor: Int32, at offset: Int? = nil
  ) -> Int32 {
    repeated(bytes.count, else: ENOSPC) { done in
      let (start, count) = (bytes.baseAddress?.advanced(by: done), bytes.count - done)
      let moved =
        offset.map { pwrite(descriptor, start, count, off_t($0 + done)) }
        ?? Glibc.write(descriptor, start, count)
      guard moved < 0 && errno == EAGAIN else { return moved }
      // The reader of a pipe may have made it non-blocking.
      var room = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
      poll(&room, 1, -1)
      errno = EINTR
      return -1
    }
  }

  /// Fills memory.
  /// - Parameters:
  ///   - memory: The memory to fill.
  ///   - descriptor: The file.
  ///   - offset: The offset of the first byte in the file; nil for the current position.
  /// - Returns: 0, or the system's error number (`EIO` if the file ends before).
  package static func read(
    into memory: UnsafeMutableRawBufferPointer, from descriptor: Int32, at offset: Int? = nil
  ) -> Int32 {
    repeated(memory.count, else: EIO) { done in
      let (start, count) = (memory.baseAddress?.advanced(by: done), memory.count - done)
      return offset.map { pread(descriptor, start, count, off_t($0 + done)) }
        ?? Glibc.read(descriptor, start, count)
    }
  }

  private static func repeated(_ total: Int, else end: Int32, _ move: (_ done: Int) -> Int) -> Int32
  {
    var done = 0
    while done < total {
      let count = move(done)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return count < 0 ? errno : end }
      done += count
    }
    return 0
  }
}
