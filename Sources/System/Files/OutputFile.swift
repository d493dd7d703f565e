import Glibc

/// A new file that is written sequentially, with its length and SHA-256.
package final class OutputFile {
  package let path: String
  /// The number of bytes written so far.
  package private(set) var position: UInt64 = 0
  private let descriptor: Int32
  private let sum = SHA256()
  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
  private var filled = 0
  private var isClosed = false

  /// Creates a file, which must not exist.
  /// - Throws: `Failure` (cannot create) with the path.
  package init(creating path: String) throws(Failure) {
    self.path = path
    descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o666)
    if descriptor < 0 {
      throw .system(.cannotCreate, "Cannot create \(quoted(path))", errno: errno)
    }
  }

  deinit {
    if !isClosed && descriptor >= 0 { close(descriptor) }
    buffer.deallocate()
  }

  /// Appends bytes.
  /// - Throws: `Failure` (input/output) with the path.
  package func write(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
    sum.update(bytes)
    position += UInt64(bytes.count)
    if filled + bytes.count > buffer.count { try flush() }
    guard bytes.count <= buffer.count else { return try writeOut(bytes) }
    UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]).copyMemory(from: bytes)
    filled += bytes.count
  }

  /// Syncs the file to disk and closes it; returns its SHA-256 in hexadecimal digits.
  /// - Throws: `Failure` (input/output) with the path.
  package func finish() throws(Failure) -> String {
    try flush()
    if fsync(descriptor) != 0 { throw failure(errno) }
    isClosed = true
    if close(descriptor) != 0 { throw failure(errno) }
    return sum.finish()
  }

  /// Writes a whole file.
  package static func write(_ bytes: [UInt8], to path: String) throws(Failure) -> String {
    let file = try OutputFile(creating: path)
    try bytes.withUnsafeBufferPointer { (bytes) throws(Failure) in
      try file.write(UnsafeRawBufferPointer(bytes))
    }
    return try file.finish()
  }

  private func flush() throws(Failure) {
    try writeOut(UnsafeRawBufferPointer(rebasing: buffer[..<filled]))
    filled = 0
  }

  private func writeOut(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
    let code = WholeTransfer.write(bytes, to: descriptor)
    guard code == 0 else { throw failure(code) }
  }

  private func failure(_ code: Int32) -> Failure {
    let remedy = code == ENOSPC || code == EDQUOT ? "Make room or choose another place." : ""
    return .system(.inputOutput, "Cannot write \(quoted(path))", errno: code, remedy: remedy)
  }
}
