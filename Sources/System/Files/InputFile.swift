import Glibc

/// A file for random-access reading, by any number of threads at once.
package final class InputFile: Sendable {
  package let path: String
  package let size: UInt64
  /// Its modification time, in nanoseconds since 1970.
  package let changed: Int64
  private let descriptor: Int32

  /// Opens a regular file.
  /// - Throws: `Failure` (input missing) with the path.
  package init(opening path: String) throws(Failure) {
    self.path = path
    do throws(RegularFile.OpeningError) {
      let file = try Self.open(PathBytes(path))
      descriptor = file.descriptor
      (size, changed) = (UInt64(file.length), file.status.changed)
    } catch {
      throw Failure(.inputMissing, "The file \(quoted(path)) \(error.reason).")
    }
  }

  deinit { close(descriptor) }

  /// Opens a regular file whose path need not be valid UTF-8.
  package static func open(_ path: PathBytes) throws(RegularFile.OpeningError) -> RegularFile {
    try path.withCString { path in
      Result { () throws(RegularFile.OpeningError) in try RegularFile(opening: path) }
    }.get()
  }

  /// The file's current length: another process may have truncated it.
  package var sizeNow: UInt64 {
    FileStatus(descriptor: descriptor).map { UInt64($0.size) } ?? size
  }

  /// Reads from an offset until the memory is full, and returns whether that succeeded.
  package func read(at offset: UInt64, into memory: UnsafeMutableRawBufferPointer) -> Bool {
    WholeTransfer.read(into: memory, from: descriptor, at: Int(offset)) == 0
  }

  /// SHA-256 of the whole file, or nil if it cannot be read.
  package var checksum: String? {
    let sum = SHA256()
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
    defer { buffer.deallocate() }
    var position: UInt64 = 0
    while position < size {
      let count = Int(min(UInt64(buffer.count), size - position))
      let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<count])
      guard read(at: position, into: part) else { return nil }
      sum.update(UnsafeRawBufferPointer(part))
      position += UInt64(count)
    }
    return sum.finish()
  }
}
