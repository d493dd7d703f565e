import Glibc
package import System

/// Writes a safetensors file that several processes fill together.
///
/// One of them creates the file with its header; then each process opens it and writes its own
/// elements. The one that created it renames it to its final name when all are done.
package final class SafetensorsWriter {
  /// The file's path.
  package let path: String
  private let header: SafetensorsHeader
  private var descriptor: Int32

  /// Creates a file of the full length, with its header; an existing file is replaced.
  /// - Parameters:
  ///   - name: The file's path, relative to `folder` if given.
  ///   - folder: An open folder.
  ///   - header: The file's header.
  ///   - remedy: What to do if the disk is full.
  /// - Throws: `Failure` (cannotCreate) if it cannot be created, (inputOutput) if the disk is full.
  package static func create(
    _ name: String, in folder: HeldFolder? = nil, _ header: SafetensorsHeader,
    remedy: String = "Make room for it."
  ) throws(Failure) {
    let path = folder?.path(of: name) ?? name
    func remove() { unlinkat(folder?.descriptor ?? AT_FDCWD, name, 0) }
    remove()
    let descriptor = openFile(
      name, in: folder, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o666)
    guard descriptor >= 0 else {
      throw .system(.cannotCreate, "\(quoted(path)) cannot be created", errno: errno)
    }
    defer { close(descriptor) }
    do throws(Failure) {
      _ = try SafetensorsWriter(beginning: descriptor, path, header, remedy: remedy)
    } catch {
      remove()
      throw error
    }
  }

  /// Starts an empty file that only this process writes: reserves its full length and writes its
  /// header.
  /// - Parameters:
  ///   - descriptor: The open file, whose owner closes it.
  ///   - path: Its name, for messages.
  ///   - header: The file's header.
  ///   - remedy: What to do if the disk is full.
  /// - Throws: `Failure` (inputOutput) if the disk is full.
  package convenience init(
    beginning descriptor: Int32, _ path: String, _ header: SafetensorsHeader, remedy: String
  ) throws(Failure) {
    // Reserved now, so that a full disk is noticed before anything is written.
    let code = posix_fallocate(descriptor, 0, off_t(header.fileLength))
    guard code == 0 || code == EOPNOTSUPP || code == EINVAL else {
      let free = FreeSpace.bytes(of: descriptor) ?? 0
      throw .system(
        .inputOutput, "\(quoted(path)) needs \(header.fileLength) bytes and \(free) are free",
        errno: code, remedy: remedy)
    }
    self.init(path, header, fcntl(descriptor, F_DUPFD_CLOEXEC, 0))
    try header.encoded.withUnsafeBufferPointer { bytes throws(Failure) in
      try write(UnsafeRawBufferPointer(bytes), at: 0)
    }
  }

  /// Opens a file that was created before.
  /// - Parameters:
  ///   - name: The file's path, relative to `folder` if given.
  ///   - folder: An open folder.
  ///   - header: The header with which the file was created.
  /// - Throws: `Failure` (inputOutput) if it cannot be opened.
  package convenience init(
    opening name: String, in folder: HeldFolder? = nil, _ header: SafetensorsHeader
  ) throws(Failure) {
    let path = folder?.path(of: name) ?? name
    let descriptor = openFile(name, in: folder, O_WRONLY | O_NOFOLLOW)
    guard descriptor >= 0 else {
      throw .system(
        .inputOutput, "\(quoted(path)) cannot be opened", errno: errno,
        remedy: "All ranks must see the same folder.")
    }
    self.init(path, header, descriptor)
  }

  private init(_ path: String, _ header: SafetensorsHeader, _ descriptor: Int32) {
    self.path = path
    self.header = header
    self.descriptor = descriptor
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// The entry of a tensor of this file.
  package func entry(_ name: String) -> TensorEntry {
    guard let entry = header.tensors.first(where: { $0.name == name }) else {
      preconditionFailure("The file's header must name the tensor '\(name)'.")
    }
    return entry
  }

  /// Writes elements of a tensor, starting at an index.
  /// - Throws: `Failure` (inputOutput) if they cannot be written.
  package func write<Number: BitwiseCopyable>(
    _ entry: TensorEntry, from first: Int = 0, _ numbers: UnsafeBufferPointer<Number>
  ) throws(Failure) {
    precondition(
      MemoryLayout<Number>.stride == entry.format.byteCount,
      "The number type must match the tensor's format.")
    precondition(
      first >= 0 && first + numbers.count <= entry.count, "The elements must lie within the tensor."
    )
    try write(
      UnsafeRawBufferPointer(numbers), at: entry.bytes.lowerBound + first * entry.format.byteCount)
  }

  /// Replaces the header by one with other strings of the same length.
  /// - Throws: `Failure` (inputOutput) if it cannot be written.
  package func rewriteHeader(_ new: SafetensorsHeader) throws(Failure) {
    precondition(
      new.tensors == header.tensors, "The tensors must stay where they are.")
    try new.encoded.withUnsafeBufferPointer { bytes throws(Failure) in
      try write(UnsafeRawBufferPointer(bytes), at: 0)
    }
  }

  /// Syncs the file to disk and closes it.
  /// - Throws: `Failure` (inputOutput) if the disk reports an error.
  package func finish() throws(Failure) {
    let synced = fsync(descriptor)
    let code = errno
    let closed = close(descriptor)
    descriptor = -1
    guard synced == 0, closed == 0 else {
      throw .system(
        .inputOutput, "\(quoted(path)) cannot be flushed to the disk",
        errno: synced == 0 ? errno : code)
    }
  }

  private func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(Failure) {
    let code = WholeTransfer.write(bytes, to: descriptor, at: offset)
    guard code == 0 else {
      throw .system(.inputOutput, "\(quoted(path)) cannot be written", errno: code)
    }
  }
}
