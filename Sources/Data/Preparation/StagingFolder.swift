import CArchive
import Glibc
import System

/// The folder in which a dataset is made, next to its destination, until it is complete and gets
/// its name.
///
/// For `photos256` it is `.photos256.preparing`. It is locked while in use, and removed when the
/// preparation fails for a permanent reason. Shards left by a killed process or a full disk stay
/// there for the next preparation.
final class StagingFolder {
  /// The path of the staging folder.
  let path: String
  /// The result of an earlier preparation that was stopped.
  enum Remains: Equatable {
    /// There was none.
    case none
    /// It was for other settings or pictures, or had finished no shard.
    case useless
    /// This many of its shards can be reused.
    case shards(Int)
  }
  private(set) var remains = Remains.none
  /// Whether finished shards are kept when the preparation fails.
  var keepsShards = false
  private let destination: String
  private let parent: String
  private var descriptor: Int32
  private var isCommitted = false
  private var isCommitting = false

  /// Creates the folder and its parent folders.
  /// - Throws: `Failure` (cannot create) when the destination exists, or the folder cannot be made
  ///   or is in use.
  init(for destination: String, fingerprint: String) throws(Failure) {
    (path, self.destination, parent) = try Self.paths(for: destination)
    descriptor = -1
    try Self.makeFolders(parent)
    if FileStatus(self.destination, followsLinks: false) != nil {
      throw Self.exists(self.destination)
    }
    let isNew = mkdir(path, 0o777) == 0
    if !isNew && errno != EEXIST { throw Self.cannotCreate(path) }
    descriptor = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    if descriptor < 0 { throw Self.cannotCreate(path) }
    if !isNew, let status = FileStatus(descriptor: descriptor), status.owner != geteuid() {
      isCommitted = true  // It belongs to another process: leave it alone.
      throw Failure(
        .cannotCreate,
        "\(quoted(path)), the folder for unfinished work, exists and belongs to another user, who "
          + "could change its contents; choose another --out."
      )
    }
    if flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
      isCommitted = true  // It belongs to another process: leave it alone.
      throw Failure(
        .cannotCreate,
        "Another preparation is writing \(quoted(self.destination)) right now; "
          + "wait for it or choose another place."
      )
    }
    if !isNew { remains = takeStock(fingerprint) }
    if remains == .useless || isNew {
      _ = try OutputFile.write(
        Array(fingerprint.utf8), to: "\(path)/\(ShardJournal.fingerprintFile)")
    }
  }

  /// Looks at what an earlier preparation left, and removes what cannot be reused.
  private func takeStock(_ fingerprint: String) -> Remains {
    let file = "\(path)/\(ShardJournal.fingerprintFile)"
    let found = try? RegularFile.contents(of: file, limit: 1 << 16)
    let names = Set(fileNames)
    let shards = names.count {
      ShardJournal.isWorthKeeping($0, among: names) && $0.hasSuffix(".tar")
    }
    guard found == Array(fingerprint.utf8), shards > 0 else {
      removeFiles()
      return .useless
    }
    removeFiles { !ShardJournal.isWorthKeeping($0, among: names) }
    return .shards(shards)
  }

  /// The staging folder of a destination, the destination, and the folder above both.
  static func paths(
    for destination: String
  ) throws(Failure) -> (staging: String, destination: String, parent: String) {
    var components = destination.split(separator: "/", omittingEmptySubsequences: true)
    guard let name = components.popLast(), name != ".", name != ".." else {
      throw Failure(
        .usage, "\(quoted(destination)) is not a name for a new dataset; give --out a new folder.")
    }
    let above = components.joined(separator: "/")
    let parent = destination.hasPrefix("/") ? "/" + above : above.isEmpty ? "." : above
    let prefix = parent == "/" ? "/" : "\(parent)/"
    return ("\(prefix).\(name).preparing", "\(prefix)\(name)", parent)
  }

  deinit {
    // Without its journal no shard can be reused.
    if !isCommitted && (!keepsShards || isCommitting) {
      removeFiles()
      rmdir(path)
    }
    if descriptor >= 0 { close(descriptor) }
  }

  /// Renames the folder to its final name, with everything in it synced to disk.
  /// - Throws: `Failure` (cannot create, input/output) with the path; nothing is overwritten.
  func commit() throws(Failure) {
    isCommitting = true
    removeFiles { $0.hasSuffix(ShardJournal.suffix) || $0 == ShardJournal.fingerprintFile }
    if fsync(descriptor) != 0 {
      throw .system(.inputOutput, "Cannot write \(quoted(path))", errno: errno)
    }
    var code = renameat2(AT_FDCWD, path, AT_FDCWD, destination, UInt32(ALEXNET_RENAME_NOREPLACE))
    // Some network file systems do not support an exclusive rename; a rename onto an existing
    // folder with files still fails.
    if code != 0 && errno == EINVAL { code = rename(path, destination) }
    if code != 0 {
      if errno == EEXIST || errno == ENOTEMPTY { throw Self.exists(destination) }
      throw Self.cannotCreate(destination)
    }
    isCommitted = true
    try? HeldFolder(parent).bringNamesToDisk()
  }

  private var fileNames: [String] { HeldFolder.names(in: path) }

  // A staging folder holds only regular files.
  private func removeFiles(where isUseless: (String) -> Bool = { _ in true }) {
    for name in fileNames where isUseless(name) { _ = unlinkat(descriptor, name, 0) }
  }

  private static func makeFolders(_ path: String) throws(Failure) {
    var made = path.hasPrefix("/") ? "/" : ""
    for component in path.split(separator: "/") {
      made += (made.isEmpty || made == "/" ? "" : "/") + component
      if mkdir(made, 0o777) != 0 && errno != EEXIST {
        // For a read-only parent, mkdir reports that error even if the folder exists.
        guard PathBytes(made).isFolder else { throw cannotCreate(made) }
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
