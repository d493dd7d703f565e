import Glibc

/// An open folder: operations apply to this folder, even if it is moved or another one gets its
/// name.
///
/// Files are named by their paths inside the folder.
package final class HeldFolder: Sendable {
  /// The folder's current location.
  package enum Place: Equatable, Sendable {
    /// Under the name with which it was opened.
    case itsOwn
    /// At another path, which is nil if the system does not tell.
    case elsewhere(String?)
    /// The folder was deleted.
    case nowhere
  }

  /// The name with which it was opened.
  package let path: String
  /// Its file descriptor.
  package let descriptor: Int32

  /// Opens a folder.
  /// - Throws: `Failure` (cannotCreate) if there is none, or it cannot be opened.
  package init(_ path: String) throws(Failure) {
    self.path = path
    descriptor = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw .system(.cannotCreate, "The folder \(quoted(path)) cannot be opened", errno: errno)
    }
  }

  deinit { close(descriptor) }

  /// The path of a file in the folder, based on the folder's original name.
  package func path(of name: String) -> String { "\(path)/\(name)" }

  /// The folder's current location.
  package var place: Place {
    guard let own = FileStatus(descriptor: descriptor) else { return .itsOwn }
    if own.links == 0 { return .nowhere }
    if let named = FileStatus(path) {
      return own.isSameFile(as: named) ? .itsOwn : .elsewhere(currentPath)
    }
    // Other errors, for example of a network file system, do not tell where it is.
    return errno == ENOENT || errno == ENOTDIR ? .elsewhere(currentPath) : .itsOwn
  }

  private var currentPath: String? {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { buffer in
      let start = buffer.start
      let length = readlink("/proc/self/fd/\(descriptor)", start, buffer.count)
      guard length > 0, length < buffer.count else { return nil }
      return String(
        decoding: UnsafeRawBufferPointer(start: start, count: length), as: UTF8.self)
    }
  }

  // MARK: Files of the folder

  /// The status of a file, without following links; nil if there is none.
  package func status(of name: String) -> FileStatus? { FileStatus(name, in: self) }

  /// Makes a subfolder, private to its owner.
  /// - Returns: Whether it was made; false if something with this name exists.
  /// - Throws: `Failure` (cannotCreate) if it cannot be made.
  @discardableResult
  package func makeFolder(_ name: String) throws(Failure) -> Bool {
    if mkdirat(descriptor, name, 0o700) == 0 { return true }
    guard errno == EEXIST else {
      throw .system(
        .cannotCreate, "The folder \(quoted(path(of: name))) cannot be created", errno: errno)
    }
    return false
  }

  /// Whether the file system decides by itself whose a new file is and who may write to it, as
  /// CIFS, a root-squashed NFS and many volumes of containers do: then no `chmod` helps.
  ///
  /// A file that is made for this, and removed, shows it.
  package var hasFixedModes: Bool {
    let name = ".alexnet-\(getpid())-mode"
    let file = openFile(name, in: self, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
    guard file >= 0 else { return false }
    defer {
      close(file)
      remove(name)
    }
    fchmod(file, 0o600)
    guard let status = FileStatus(descriptor: file) else { return false }
    return status.owner != geteuid() || status.mode & 0o022 != 0
  }

  /// Removes a file, if it exists.
  package func remove(_ name: String) { unlinkat(descriptor, name, 0) }

  /// Renames a file, replacing the file with that name.
  /// - Throws: `Failure` (inputOutput) if that fails.
  package func rename(_ name: String, to other: String) throws(Failure) {
    guard renameat(descriptor, name, descriptor, other) == 0 else {
      throw .system(
        .inputOutput, "\(quoted(path(of: name))) cannot be renamed to \(quoted(path(of: other)))",
        errno: errno)
    }
  }

  /// Gives a file a second name, which must not exist.
  /// - Returns: Whether that worked; false if the file system does not support hard links.
  package func link(_ name: String, as other: String) -> Bool {
    linkat(descriptor, name, descriptor, other, 0) == 0
  }

  /// The names in a subfolder.
  package func names(in name: String) -> [String] {
    let opened = openat(descriptor, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    guard opened >= 0 else { return [] }
    guard let folder = fdopendir(opened) else {
      close(opened)
      return []
    }
    return Self.names(in: folder)
  }

  /// The names in any folder; empty if it cannot be read.
  package static func names(in path: String) -> [String] {
    opendir(path).map(names) ?? []
  }

  private static func names(in folder: OpaquePointer) -> [String] {
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names
  }

  /// Syncs the names in a subfolder to disk; `.` is the folder itself.
  /// - Throws: `Failure` (inputOutput) if the disk reports an error.
  package func bringNamesToDisk(of name: String = ".") throws(Failure) {
    let folder = openat(descriptor, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    defer { if folder >= 0 { close(folder) } }
    // Some file systems cannot sync a folder, and say so.
    guard folder >= 0, fsync(folder) == 0 || errno == EINVAL || errno == ENOTSUP else {
      throw .system(
        .inputOutput,
        "The names in \(quoted(name == "." ? path : path(of: name))) cannot be flushed to the disk",
        errno: errno)
    }
  }
}

/// Opens a file by its path, relative to an open folder if one is given.
/// - Returns: The file descriptor, or -1 with `errno` set.
package func openFile(
  _ path: String, in folder: HeldFolder?, _ flags: Int32, mode: UInt32 = 0
) -> Int32 {
  openat(folder?.descriptor ?? AT_FDCWD, path, flags | O_CLOEXEC, mode)
}
