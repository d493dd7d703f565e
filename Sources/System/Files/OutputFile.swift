/// A new file of a folder that is not whole yet, written from front to end in many pieces, with its
/// length and SHA-256.
package final class OutputFile {
  package var path: String { file.path }
  /// The number of bytes written so far.
  package private(set) var position: UInt64 = 0
  private let file: WholeFile
  private let sum = SHA256()
  private let buffer: UnsafeMutableRawBufferPointer
  private var filled = 0

  /// Creates a file, which must not exist.
  /// - Throws: `Failure` (cannot create) with the path.
  package init(creating path: String) throws(Failure) {
    file = try WholeFile(new: path)
    buffer = .allocate(byteCount: 1 << 20, alignment: 64)
  }

  deinit { buffer.deallocate() }

  /// Appends bytes.
  /// - Throws: `Failure` (input/output) with the path.
  package func write(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
    sum.update(bytes)
    position += UInt64(bytes.count)
    if filled + bytes.count > buffer.count { try flush() }
    guard bytes.count <= buffer.count else { return try file.write(bytes) }
    UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]).copyMemory(from: bytes)
    filled += bytes.count
  }

  /// Syncs the file to disk and closes it; returns its SHA-256 in hexadecimal digits.
  /// - Throws: `Failure` (input/output) with the path.
  package func finish() throws(Failure) -> String {
    try flush()
    try file.publish()
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
    try file.write(UnsafeRawBufferPointer(rebasing: buffer[..<filled]))
    filled = 0
  }
}
