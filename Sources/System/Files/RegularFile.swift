package import Glibc

/// A regular file that is open for reading; who opened it closes it.
package struct RegularFile {
  /// Why one could not be opened, as a phrase that completes "the file ...".
  package struct OpeningError: Error {
    /// The phrase, `is not a regular file`.
    package let reason: String
    /// Whether there is something under the name, but no regular file.
    package let isOfAnotherKind: Bool
  }

  /// The file's number with the system.
  package let descriptor: Int32
  /// What the system says of it.
  package let status: stat

  /// Opens a file by its path, which ends with a zero.
  /// - Throws: `OpeningError` where there is none, or a folder, a pipe or a device.
  package init(
    opening path: UnsafePointer<CChar>, in folder: HeldFolder? = nil
  ) throws(OpeningError) {
    // A pipe would keep the caller waiting for a writer.
    descriptor = openat(
      folder?.descriptor ?? AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      throw OpeningError(
        reason: "cannot be opened: \(String(cString: strerror(errno)))", isOfAnotherKind: false)
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.isFile else {
      close(descriptor)
      throw OpeningError(reason: "is not a regular file", isOfAnotherKind: true)
    }
    self.status = status
  }

  /// Opens a file of weights or features.
  /// - Throws: `Failure` (inputMissing) if it cannot be opened, (badData) if it is a folder, a pipe or a device.
  package init(_ path: String, in folder: HeldFolder? = nil) throws(Failure) {
    do throws(OpeningError) {
      guard path.isPath else {
        throw OpeningError(
          reason: "cannot be opened: no file's name has a zero in it", isOfAnotherKind: false)
      }
      self = try RegularFile(opening: path, in: folder)
    } catch {
      throw Failure(
        error.isOfAnotherKind ? .badData : .inputMissing,
        "\(quoted(folder?.path(of: path) ?? path)) \(error.reason).")
    }
  }

  /// Its length in bytes.
  package var length: Int { Int(status.st_size) }

  /// The bytes of a whole file that has so many at most: what a stranger's file takes of the memory is bounded.
  /// - Throws: `Failure` (inputMissing) if it cannot be opened, (badData) if it is longer or no regular file,
  ///   (inputOutput) if it cannot be read.
  package static func contents(of path: String, limit: Int) throws(Failure) -> [UInt8] {
    let file = try RegularFile(path)
    defer { close(file.descriptor) }
    return try file.contents(path, limit: limit)
  }

  /// The bytes of the file, by its path for complaints.
  /// - Throws: `Failure` (badData) if it is longer than the limit, (inputOutput) if it cannot be read.
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
  /// Whether the system can be handed the text as a path: it would take a zero for the end, and open another file.
  package var isPath: Bool { !utf8.contains(0) }
}
