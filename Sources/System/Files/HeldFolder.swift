package import Glibc

/// A folder that is held open: what is done in it is done in it, whatever is moved or put under its name meanwhile.
///
/// Files are named by their paths inside the folder.
package final class HeldFolder: Sendable {
  /// Where the folder stands now.
  package enum Place: Equatable, Sendable {
    /// Under the name that it was opened by.
    case itsOwn
    /// Somewhere else; the path is nil if the system does not tell.
    case elsewhere(String?)
    /// Nowhere: it has been deleted.
    case nowhere
  }

  /// The name that it was opened by.
  package let path: String
  /// Its number with the system.
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

  /// The path of a file of the folder, by the folder's own.
  package func path(of name: String) -> String { "\(path)/\(name)" }

  /// Where the folder stands now.
  package var place: Place {
    var (own, named) = (stat(), stat())
    guard fstat(descriptor, &own) == 0 else { return .itsOwn }
    if own.st_nlink == 0 { return .nowhere }
    if stat(path, &named) == 0 {
      return own.isSameFile(as: named) ? .itsOwn : .elsewhere(currentPath)
    }
    // Any other error, a network file system's say, tells nothing about where it is.
    return errno == ENOENT || errno == ENOTDIR ? .elsewhere(currentPath) : .itsOwn
  }

  private var currentPath: String? {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { buffer in
      guard let start = buffer.baseAddress else { return nil }
      let length = readlink("/proc/self/fd/\(descriptor)", start, buffer.count)
      guard length > 0, length < buffer.count else { return nil }
      return String(
        decoding: UnsafeRawBufferPointer(start: start, count: length), as: UTF8.self)
    }
  }

  // MARK: Files of the folder

  /// What the system says of a file, links not followed; nil if there is none.
  package func status(of name: String) -> stat? {
    var status = stat()
    return fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 ? status : nil
  }

  /// Makes a folder in it, for its owner alone.
  /// - Returns: Whether it was made; not where something of the name was there.
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

  /// Removes a file, where there is one.
  package func remove(_ name: String) { unlinkat(descriptor, name, 0) }

  /// Gives a file another name, in place of the file that had it.
  /// - Throws: `Failure` (inputOutput) if that is refused.
  package func rename(_ name: String, to other: String) throws(Failure) {
    guard renameat(descriptor, name, descriptor, other) == 0 else {
      throw .system(
        .inputOutput, "\(quoted(path(of: name))) cannot be renamed to \(quoted(path(of: other)))",
        errno: errno)
    }
  }

  /// Gives a file a second name, which nothing has yet.
  /// - Returns: Whether it has it; not where the file system has no hard links.
  package func link(_ name: String, as other: String) -> Bool {
    linkat(descriptor, name, descriptor, other, 0) == 0
  }

  /// The names in one of its folders.
  package func names(in name: String) -> [String] {
    let opened = openat(descriptor, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    guard opened >= 0 else { return [] }
    guard let folder = fdopendir(opened) else {
      close(opened)
      return []
    }
    return Self.names(in: folder)
  }

  /// The names in any folder; none if it cannot be read.
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

  /// Brings the names in one of its folders to the disk: `.` is the folder itself.
  /// - Throws: `Failure` (inputOutput) if the disk refuses.
  package func bringNamesToDisk(of name: String = ".") throws(Failure) {
    let folder = openat(descriptor, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    defer { if folder >= 0 { close(folder) } }
    // Some file systems have nothing to do for a folder, and say so.
    guard folder >= 0, fsync(folder) == 0 || errno == EINVAL || errno == ENOTSUP else {
      throw .system(
        .inputOutput,
        "The names in \(quoted(name == "." ? path : path(of: name))) cannot be brought to the disk",
        errno: errno)
    }
  }
}

/// Opens a file by its path: inside a folder that is held open, or where none is given by the path alone.
/// - Returns: The file's number with the system, or -1 with `errno` set.
package func openFile(
  _ path: String, in folder: HeldFolder?, _ flags: Int32, mode: mode_t = 0
) -> Int32 {
  openat(folder?.descriptor ?? AT_FDCWD, path, flags | O_CLOEXEC, mode)
}
