import Foundation
import Glibc
package import System

/// The folder of one run: config.json, metrics.jsonl, log.txt and checkpoints/.
package struct RunDirectory: Sendable {
  /// The folder.
  package let path: String

  /// Names a run's folder; nothing is created.
  package init(_ path: String) { self.path = path }

  /// What its files are called.
  enum Name {
    static let configuration = "config.json"
    static let metrics = "metrics.jsonl"
    static let log = "log.txt"
    static let lock = "lock"
    static let tensorBoard = "tensorboard"
  }

  /// Every effective setting.
  package var configuration: String { "\(path)/\(Name.configuration)" }
  /// A record a step, a record a validation.
  package var metrics: String { "\(path)/\(Name.metrics)" }
  /// What the run said.
  package var log: String { "\(path)/\(Name.log)" }
  /// Where TensorBoard's files are.
  package var tensorBoard: String { "\(path)/\(Name.tensorBoard)" }
  /// Where the checkpoints are.
  package var checkpoints: String { "\(path)/\(CheckpointName.folder)" }
  /// The newest checkpoint under a name that stays the same: a second name (hard link) of its file.
  package var latest: String { "\(path)/\(CheckpointName.latest)" }
  /// The checkpoint with the lowest validation error, likewise; it outlives its first name.
  package var best: String { "\(path)/\(CheckpointName.best)" }
  /// Who is using the folder.
  package var lock: String { "\(path)/\(Name.lock)" }

  /// Whether a run has begun here.
  package var holdsRun: Bool { access(configuration, F_OK) == 0 }

  /// The checkpoints that are there, the oldest first; a file under its final name is whole.
  ///
  /// Whatever has another name than the program gives, a copy say, is none.
  package var checkpointFiles: [String] {
    HeldFolder.names(in: checkpoints).compactMap(CheckpointName.steps).sorted()
      .map { "\(path)/\(CheckpointName.checkpoint(afterSteps: $0))" }
  }

  /// What damaged checkpoints are called besides.
  package static let damagedSuffix = ".damaged"

  /// Files that are checkpoints too, though none to go on from: damaged ones, and second names.
  package var remains: [String] {
    HeldFolder.names(in: checkpoints)
      .filter { $0.hasSuffix(Self.damagedSuffix) || $0.hasSuffix(CheckpointName.suffix) }
      .map { "\(checkpoints)/\($0)" }.filter { !checkpointFiles.contains($0) }
  }

  /// The checkpoints that are there and their second names; whatever has another name is somebody's own.
  package var everyCheckpoint: [String] {
    checkpointFiles
      + [latest, best].filter { faccessat(AT_FDCWD, $0, F_OK, AT_SYMLINK_NOFOLLOW) == 0 }
  }

  /// The file that a user names: a checkpoint, or the newest one of a run where it is the run's folder.
  /// - Throws: `Failure` (inputMissing) if nothing is there, or the run has no checkpoint yet.
  package static func checkpoint(named path: String) throws(Failure) -> String {
    var status = stat()
    guard stat(path, &status) == 0 else {
      throw Failure(
        .inputMissing, "There is no run or checkpoint \(quoted(path)); check the path.")
    }
    guard status.isFolder else { return path }
    guard let newest = try RunDirectory(path).newestCheckpoint() else {
      throw Failure(
        .inputMissing, "The folder \(quoted(path)) holds no checkpoint of a run; name another.")
    }
    return newest
  }

  /// The checkpoint of the most steps; nil if there is none.
  /// - Throws: `Failure` (badData) if it holds other steps than its name says.
  package func newestCheckpoint() throws(Failure) -> String? {
    guard let newest = checkpointFiles.last else { return nil }
    if let misnaming = Checkpoint.misnaming(of: newest) { throw misnaming }
    return newest
  }

  /// The settings in config.json.
  /// - Returns: Those that the run was started with.
  /// - Throws: `Failure` (inputMissing) if there is no run, (badData) if the file is not understood.
  package func savedSettings() throws(Failure) -> TrainingSettings {
    guard let text = try? String(contentsOfFile: configuration, encoding: .utf8) else {
      throw Failure(
        .inputMissing,
        "\(quoted(path)) holds no run to go on with; leave out --resume to start one.")
    }
    return try TrainingSettings(text, from: configuration)
  }

  /// What a run leaves that ended before its settings were written down: nothing of value.
  private static let leavings: Set<String> = [
    Name.lock, CheckpointName.folder, Name.configuration + ".partial", Name.metrics, Name.log,
  ]

  /// Whether there is something to go on with.
  package var holdsTraining: Bool { holdsRun || !checkpointFiles.isEmpty }

  /// Checks that a new run may begin here, without touching anything: nothing is there yet, or nothing of value.
  /// - Throws: `Failure` (cannotCreate) if another run is there, or somebody's files, or no folder.
  package func checkIsFree() throws(Failure) {
    var status = stat()
    guard stat(path, &status) == 0 else { return }
    guard status.isFolder else { throw notFolder(path) }
    guard !holdsRun else {
      throw Failure(
        .cannotCreate,
        "\(quoted(path)) already holds a run; add --resume to go on with it, or choose another --out."
      )
    }
    guard HeldFolder.names(in: path).allSatisfy(Self.leavings.contains), checkpointFiles.isEmpty,
      remains.isEmpty,
      (try? FileManager.default.attributesOfItem(atPath: metrics)[.size] as? Int) ?? 0 == 0
    else { throw Failure(.cannotCreate, "\(quoted(path)) is not empty; choose another --out.") }
  }

  /// Makes the folder, and those above it that are missing, private to the user; one that is there stays as it is.
  /// - Returns: Whether it was made.
  /// - Throws: `Failure` (cannotCreate) if it cannot be made.
  @discardableResult
  package func makeFolder() throws(Failure) -> Bool {
    var (parent, made) = ("", [String]())
    for part in path.split(separator: "/", omittingEmptySubsequences: false) {
      parent += part
      if !parent.isEmpty {
        if mkdir(parent, 0o700) == 0 {
          made.append(parent)
        } else if errno != EEXIST {
          throw cannotCreate(parent)
        }
      }
      parent += "/"
    }
    // What a run brings to the disk is of no use there without the names that lead to it.
    // A folder above that may not be read cannot be brought there by this user.
    for folder in made { try? HeldFolder(folder + "/..").bringNamesToDisk() }
    return made.last == path
  }

  /// Makes what a new run needs in its folder, which the caller has to itself.
  /// - Throws: `Failure` (cannotCreate) if it cannot be made.
  package func makeCheckpointFolder() throws(Failure) {
    let folder = try HeldFolder(path)
    try folder.makeFolder(CheckpointName.folder)
    try checkFolder(checkpoints)
    try folder.bringNamesToDisk()
  }

  /// Checks that the folder is one that nobody else can put files or links into, and that it can be written.
  /// - Throws: `Failure` (cannotCreate) that says what is wrong.
  package func check() throws(Failure) {
    try checkFolder(path)
    var status = stat()
    // They are there only where a run has begun, and the last one where it was asked for.
    for folder in [checkpoints, tensorBoard] where lstat(folder, &status) == 0 {
      try checkFolder(folder)
    }
    for file in checkpointFiles + [configuration, metrics, log, lock, latest, best] {
      guard lstat(file, &status) != 0 || status.isFile else {
        throw Failure(
          .cannotCreate,
          "\(quoted(file)) is a link or something else than a file, and is not followed; remove it."
        )
      }
    }
    // Whatever else has such a name is removed before a file is written.
    for name in HeldFolder.names(in: checkpoints) where CheckpointName.isPartial(name) {
      let file = "\(checkpoints)/\(name)"
      guard lstat(file, &status) != 0 || status.st_mode & S_IFMT != S_IFDIR else {
        throw Failure(
          .cannotCreate,
          "\(quoted(file)) is a folder, where a checkpoint is to be written; remove it.")
      }
    }
  }

  private func checkFolder(_ folder: String) throws(Failure) {
    var status = stat()
    guard (folder == path ? stat(folder, &status) : lstat(folder, &status)) == 0 else {
      throw cannotCreate(folder)
    }
    guard status.isFolder else { throw notFolder(folder) }
    guard status.st_uid == geteuid(), status.st_mode & 0o022 == 0 else {
      throw Failure(
        .cannotCreate,
        "\(quoted(folder)) belongs to another user or can be written by others, who could put files in the "
          + "run's way; 'chmod 700' it, or choose another --out.")
    }
    guard access(folder, W_OK | X_OK) == 0 else { throw cannotCreate(folder) }
  }

  private func notFolder(_ path: String) -> Failure {
    Failure(
      .cannotCreate, "\(quoted(path)) is a link or a file, not a folder; choose another --out.")
  }

  /// Checks that there is room for the run's checkpoints.
  /// - Parameters:
  ///   - count: How many will be there at once, beside those that are.
  ///   - length: Bytes of one.
  /// - Throws: `Failure` (cannotCreate) that names both numbers.
  package func checkRoom(for count: Int, checkpointsOf length: Int) throws(Failure) {
    var status = statvfs()
    guard statvfs(checkpoints, &status) == 0 else { return }
    let free = Int(
      clamping: UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
        .partialValue)
    let (needed, overflow) = length.multipliedReportingOverflow(by: count)
    guard overflow || needed > free else { return }
    throw Failure(
      .cannotCreate,
      "\(quoted(checkpoints)) has \(free) bytes free, and \(count) checkpoints of \(length) bytes need \(needed); "
        + "make room, choose another --out, or keep fewer with --keep.")
  }

  private func cannotCreate(_ path: String) -> Failure {
    .system(
      .cannotCreate, "The run directory \(quoted(path)) cannot be created", errno: errno,
      remedy: "Choose another --out.")
  }
}
