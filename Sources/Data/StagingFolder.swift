import CArchive
import Failures
import Glibc

/// The folder that a dataset grows in, beside its place, until it is whole and takes its name.
///
/// For `photos256` it is `.photos256.preparing`. It is locked while in use, and removed when the
/// preparation fails; one that a killed process left is emptied by the next preparation.
final class StagingFolder {
  /// Where the files go until then.
  let path: String
  /// Whether it held the remains of a preparation that was killed.
  let heldRemains: Bool
  private let destination: String
  private let parent: String
  private var descriptor: Int32
  private var isCommitted = false

  /// Makes the folder, and the folders above it.
  /// - Throws: `Failure` (cannot create) when the destination exists, or the folder cannot be made or is
  ///   in use.
  init(for destination: String) throws(Failure) {
    var components = destination.split(separator: "/", omittingEmptySubsequences: true)
    guard let name = components.popLast(), name != ".", name != ".." else {
      throw Failure(
        .usage, "\(quoted(destination)) is no name for a new dataset; give --out a new folder.")
    }
    let above = components.joined(separator: "/")
    parent = destination.hasPrefix("/") ? "/" + above : above.isEmpty ? "." : above
    self.destination = parent == "/" ? "/\(name)" : "\(parent)/\(name)"
    path = parent == "/" ? "/.\(name).preparing" : "\(parent)/.\(name).preparing"
    descriptor = -1
    try Self.makeFolders(parent)
    var status = stat()
    if lstat(self.destination, &status) == 0 { throw Self.exists(self.destination) }
    let isNew = mkdir(path, 0o777) == 0
    if !isNew && errno != EEXIST { throw Self.cannotCreate(path) }
    heldRemains = !isNew
    descriptor = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    if descriptor < 0 { throw Self.cannotCreate(path) }
    if flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
      isCommitted = true  // It is another's: leave it alone.
      throw Failure(
        .cannotCreate,
        "Another preparation is writing \(quoted(self.destination)) right now; "
          + "wait for it or choose another place."
      )
    }
    removeFiles()
  }

  deinit {
    if !isCommitted {
      removeFiles()
      rmdir(path)
    }
    if descriptor >= 0 { close(descriptor) }
  }

  /// Gives the folder its name, with everything in it on the disk.
  /// - Throws: `Failure` (cannot create, input/output) with the path; nothing is overwritten.
  func commit() throws(Failure) {
    if fsync(descriptor) != 0 {
      throw .system(.inputOutput, "Cannot write \(quoted(path))", errno: errno)
    }
    var code = renameat2(AT_FDCWD, path, AT_FDCWD, destination, UInt32(ALEXNET_RENAME_NOREPLACE))
    // Some network file systems know no exclusive rename; an existing folder with files still
    // refuses.
    if code != 0 && errno == EINVAL { code = rename(path, destination) }
    if code != 0 {
      if errno == EEXIST || errno == ENOTEMPTY { throw Self.exists(destination) }
      throw Self.cannotCreate(destination)
    }
    isCommitted = true
    let above = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if above >= 0 {
      fsync(above)
      close(above)
    }
  }

  // A staging folder holds plain files only.
  private func removeFiles() {
    guard let folder = opendir(path) else { return }
    defer { closedir(folder) }
    while let entry = readdir(folder) {
      withUnsafeBytes(of: entry.pointee.d_name) { name in
        guard let name = name.bindMemory(to: CChar.self).baseAddress else { return }
        _ = unlinkat(descriptor, name, 0)
      }
    }
  }

  private static func makeFolders(_ path: String) throws(Failure) {
    var made = path.hasPrefix("/") ? "/" : ""
    for component in path.split(separator: "/") {
      made += (made.isEmpty || made == "/" ? "" : "/") + component
      if mkdir(made, 0o777) != 0 && errno != EEXIST {
        // A read-only parent of an existing folder says so before it says that the folder exists.
        guard PathBytes(made).status?.isFolder == true else { throw cannotCreate(made) }
      }
    }
  }

  private static func exists(_ path: String) -> Failure {
    Failure(
      .cannotCreate,
      "\(quoted(path)) exists already; nothing was overwritten. Choose another place or remove it.")
  }

  private static func cannotCreate(_ path: String) -> Failure {
    .system(
      .cannotCreate, "Cannot create the folder \(quoted(path))", errno: errno,
      remedy: "Check that its parent is a folder that you may write to.")
  }
}
