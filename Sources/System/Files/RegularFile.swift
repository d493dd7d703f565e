import Glibc

/// A regular file that is open for reading; the code that opened it must close it.
package struct RegularFile {
  /// Why a file could not be opened, as a phrase that completes "the file ...".
  package struct OpeningError: Error {
    /// The phrase, `is not a regular file`.
    package let reason: String
    /// Whether something with this name exists that is not a regular file.
    package let isOfAnotherKind: Bool
  }

  /// The file descriptor.
  package let descriptor: Int32
  /// The file's status.
  package let status: FileStatus

  /// Opens a file by a zero-terminated path.
  /// - Throws: `OpeningError` if there is none, or it is a folder, a pipe or a device.
  package init(
    opening path: UnsafePointer<CChar>, in folder: HeldFolder? = nil
  ) throws(OpeningError) {
    // A pipe would block until there is a writer.
    descriptor = openat(
      folder?.descriptor ?? AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      let code = errno
      let remedy = code == EMFILE ? " (raise the limit: ulimit -n)" : ""
      throw OpeningError(
        reason: "cannot be opened: \(String(cString: strerror(code)))\(remedy)",
        isOfAnotherKind: false)
    }
    guard let status = FileStatus(descriptor: descriptor), status.isFile else {
      close(descriptor)
      throw OpeningError(reason: "is not a regular file", isOfAnotherKind: true)
    }
    self.status = status
  }

  /// Opens a file.
  /// - Throws: `Failure` (inputMissing) if it cannot be opened, (badData) if it is a folder, a pipe
  ///   or a device.
  package init(_ path: String, in folder: HeldFolder? = nil) throws(Failure) {
    do throws(OpeningError) {
      guard path.isPath else {
        throw OpeningError(
          reason: "cannot be opened: its name contains a NUL character", isOfAnotherKind: false)
      }
      self = try RegularFile(opening: path, in: folder)
    } catch {
      let hint = path.hasLostBytes ? " Its name is not UTF-8; rename it." : ""
      throw Failure(
        error.isOfAnotherKind ? .badData : .inputMissing,
        "The file \(quoted(folder?.path(of: path) ?? path)) \(error.reason).\(hint)")
    }
  }

  /// Its length in bytes.
  package var length: Int { status.size }

  /// The bytes of a whole file of at most `limit` bytes, which bounds the memory that an untrusted
  /// file can use.
  /// - Throws: `Failure` (inputMissing) if it cannot be opened, (badData) if it is longer or not a
  ///   regular file, (inputOutput) if it cannot be read.
  package static func contents(of path: String, limit: Int) throws(Failure) -> [UInt8] {
    let file = try RegularFile(path)
    defer { close(file.descriptor) }
    return try file.contents(path, limit: limit)
  }

  /// The bytes of the file; the path is for messages.
  /// - Throws: `Failure` (badData) if it is longer than the limit, (inputOutput) if it cannot be
  ///   read.
  package func contents(_ path: String, limit: Int) throws(Failure) -> [UInt8] {
    guard length <= limit else {
      throw Failure(
        .badData, "The file \(quoted(path)) has \(length) bytes, more than the \(limit) allowed.")
    }
    var code: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: length) { memory, count in
      count = length
      code = WholeTransfer.read(
        into: UnsafeMutableRawBufferPointer(start: memory.baseAddress, count: length),
        from: descriptor, at: 0)
    }
    guard code == 0 else {
      throw .system(.inputOutput, "Cannot read \(quoted(path))", errno: code)
    }
    return bytes
  }
}

extension String {
  /// Whether the text can be passed to the system as a path: a zero byte would end it, and another
  /// file would be opened.
  package var isPath: Bool { !utf8.contains(0) }

  /// Whether it was made of bytes that are not UTF-8: each of those has become the same character,
  /// so that it names another file, or none.
  package var hasLostBytes: Bool { unicodeScalars.contains("\u{FFFD}") }
}
