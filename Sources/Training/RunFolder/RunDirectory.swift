import Glibc
import JSON
import Safetensors
package import System

/// The folder of one run: config.json, metrics.jsonl, log.txt and checkpoints/.
package struct RunDirectory: Sendable {
  /// The folder.
  package let path: String

  /// Makes a value for a run's folder; nothing is created.
  package init(_ path: String) { self.path = path }

  /// The names of its files.
  typealias Name = RunFiles

  /// Every effective setting.
  package var configuration: String { "\(path)/\(Name.configuration)" }
  /// One record per step and one per validation.
  package var metrics: String { "\(path)/\(Name.metrics)" }
  /// The messages of the run.
  package var log: String { "\(path)/\(Name.log)" }
  /// A record per start of the run: by which program, where, how.
  package var provenance: String { "\(path)/\(Name.provenance)" }
  /// The folder of TensorBoard's files.
  package var tensorBoard: String { "\(path)/\(Name.tensorBoard)" }
  /// The folder of the checkpoints.
  package var checkpoints: String { "\(path)/\(CheckpointName.folder)" }
  /// The newest checkpoint under a fixed name: a second name (hard link) of its file.
  package var latest: String { "\(path)/\(CheckpointName.latest)" }
  /// The checkpoint with the lowest validation error, likewise; it stays when its first name is
  /// removed.
  package var best: String { "\(path)/\(CheckpointName.best)" }
  /// The lock file, which names the process that uses the folder.
  package var lock: String { "\(path)/\(Name.lock)" }

  /// Whether a run has started here.
  package var holdsRun: Bool { access(configuration, F_OK) == 0 }

  /// The checkpoints, the oldest first; a file with a final name is complete.
  ///
  /// Files with other names, such as copies, are not included.
  package var checkpointFiles: [String] {
    HeldFolder.names(in: checkpoints).compactMap(CheckpointName.steps).sorted()
      .map { "\(path)/\(CheckpointName.checkpoint(afterSteps: $0))" }
  }

  /// The steps of the newest checkpoint, by its name; nil if there is none.
  var newestStep: Int? {
    HeldFolder.names(in: checkpoints).compactMap(CheckpointName.steps).max()
  }

  /// The suffix of damaged checkpoints.
  package static let damagedSuffix = ".damaged"

  /// Files that are checkpoints too, but not ones to resume from: damaged ones, and second names.
  package var remains: [String] {
    HeldFolder.names(in: checkpoints)
      .filter { $0.hasSuffix(Self.damagedSuffix) || $0.hasSuffix(CheckpointName.suffix) }
      .map { "\(checkpoints)/\($0)" }.filter { !checkpointFiles.contains($0) }
  }

  /// The checkpoints and their second names; files with other names belong to the user.
  package var everyCheckpoint: [String] {
    checkpointFiles
      + [latest, best].filter { faccessat(AT_FDCWD, $0, F_OK, AT_SYMLINK_NOFOLLOW) == 0 }
  }

  /// The checkpoint at a path, or the newest checkpoint if the path is a run's folder.
  /// - Throws: `Failure` (inputMissing) if nothing is there, or the run has no checkpoint yet.
  package static func checkpoint(named path: String) throws(Failure) -> String {
    guard let status = FileStatus(path) else {
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

  /// The checkpoint with the most steps; nil if there is none.
  /// - Throws: `Failure` (badData) if its contents have other steps than its name.
  package func newestCheckpoint() throws(Failure) -> String? {
    guard let newest = checkpointFiles.last else { return nil }
    if let misnaming = Checkpoint.misnaming(of: newest) { throw misnaming }
    return newest
  }

  /// The settings in config.json.
  /// - Returns: The settings with which the run was started.
  /// - Throws: `Failure` (inputMissing) if there is no run, (badData) if the file is invalid.
  package func savedSettings() throws(Failure) -> TrainingSettings {
    guard FileStatus(configuration) != nil else {
      throw Failure(
        .inputMissing,
        "\(quoted(path)) holds no run to resume; leave out --resume to start one.")
    }
    return try TrainingSettings(
      TextFile.read(configuration, limit: JSONText.longestByHand), from: configuration)
  }

  /// The settings that a run goes on with: those in config.json, or, where that is missing or
  /// damaged, those of the newest checkpoint.
  /// - Throws: `Failure` (inputMissing) if there is no run, (badData) if both are damaged.
  package func settingsToGoOnWith() throws(Failure) -> TrainingSettings {
    do throws(Failure) { return try savedSettings() } catch {
      guard let newest = checkpointFiles.last, let file = try? SafetensorsFile(opening: newest),
        let described = try? Checkpoint.describe(file)
      else { throw error }
      return described.settings
    }
  }

  /// Files left by a run that ended before its settings were written: nothing of value.
  private static let leavings: Set<String> = [
    Name.lock, CheckpointName.folder, Name.configuration + PartialFile.suffix, Name.metrics,
    Name.log, Name.provenance,
  ]

  /// Whether there is a run to resume.
  package var holdsTraining: Bool { holdsRun || !checkpointFiles.isEmpty }

  /// Checks, without changing anything, that a new run may start here: the folder is missing or
  /// holds nothing of value.
  /// - Throws: `Failure` (cannotCreate) if another run or other files are there, or the path is not
  ///   a folder.
  package func checkIsFree() throws(Failure) {
    guard let status = FileStatus(path) else { return }
    guard status.isFolder else { throw notFolder(path) }
    guard !holdsRun else {
      throw Failure(
        .cannotCreate,
        "\(quoted(path)) already holds a run; add --resume to continue it, or choose another --out."
      )
    }
    guard HeldFolder.names(in: path).allSatisfy(Self.leavings.contains), checkpointFiles.isEmpty,
      remains.isEmpty,
      FileStatus(metrics)?.size ?? 0 == 0
    else { throw Failure(.cannotCreate, "\(quoted(path)) is not empty; choose another --out.") }
  }

  /// Makes the folder and missing parent folders, private to the user; an existing folder stays as
  /// it is.
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
    // A run's data on disk is useless without the names that lead to it. A parent folder that may
    // not be read cannot be synced by this user.
    for folder in made { try? HeldFolder(folder + "/..").bringNamesToDisk() }
    return made.last == path
  }

  /// Makes what a new run needs in its folder, which the caller has locked.
  /// - Throws: `Failure` (cannotCreate) if it cannot be made.
  package func makeCheckpointFolder() throws(Failure) {
    let folder = try HeldFolder(path)
    try folder.makeFolder(CheckpointName.folder)
    try checkFolder(checkpoints)
    try folder.bringNamesToDisk()
  }

  /// Checks that nobody else can put files or links into the folder, and that it is writable.
  /// - Returns: A warning if the file system gives everything there an owner or a mode of its own,
  ///   so that the run's files cannot be private; nil if they can.
  /// - Throws: `Failure` (cannotCreate) that says what is wrong.
  @discardableResult
  package func check() throws(Failure) -> String? {
    let isPrivate = try checkFolder(path)
    func status(_ path: String) -> FileStatus? { FileStatus(path, followsLinks: false) }
    // They exist only if a run has started, and the last one only if it was requested.
    for folder in [checkpoints, tensorBoard] where status(folder) != nil {
      try checkFolder(folder)
    }
    for file in checkpointFiles + [
      configuration, metrics, log, provenance, lock, latest, best,
    ] {
      guard status(file)?.isFile != false else {
        throw Failure(
          .cannotCreate,
          "\(quoted(file)) is a link or another special file, which is not followed; remove it."
        )
      }
    }
    // Other files with such names are removed before a file is written.
    for name in HeldFolder.names(in: checkpoints) where CheckpointName.isPartial(name) {
      let file = "\(checkpoints)/\(name)"
      guard status(file)?.isFolder != true else {
        throw Failure(
          .cannotCreate,
          "\(quoted(file)) is a folder, but a checkpoint must be written there; remove it.")
      }
    }
    if isPrivate { return nil }
    return
      "The file system of \(quoted(path)) gives files an owner or a mode of its own, so others "
      + "who can write there could replace the run's files; choose another --out if you do not trust "
      + "them."
  }

  /// - Returns: Whether the folder is private; false where the file system has no private ones.
  @discardableResult
  private func checkFolder(_ folder: String) throws(Failure) -> Bool {
    guard let status = FileStatus(folder, followsLinks: folder == path) else {
      throw cannotCreate(folder)
    }
    guard status.isFolder else { throw notFolder(folder) }
    guard status.owner == geteuid(), status.mode & 0o022 == 0 else {
      if access(folder, W_OK | X_OK) == 0, try HeldFolder(folder).hasFixedModes { return false }
      throw Failure(
        .cannotCreate,
        "\(quoted(folder)) belongs to another user or can be written by others, who could replace "
          + "the run's files; 'chmod 700' it, or choose another --out.")
    }
    guard access(folder, W_OK | X_OK) == 0 else { throw cannotCreate(folder) }
    return true
  }

  private func notFolder(_ path: String) -> Failure {
    Failure(
      .cannotCreate, "\(quoted(path)) is a link or a file, not a folder; choose another --out.")
  }

  /// Checks that there is disk space for the run's checkpoints.
  /// - Parameters:
  ///   - count: How many there will be at once, in addition to the existing ones.
  ///   - length: The size of one in bytes.
  /// - Throws: `Failure` (cannotCreate) that names both numbers.
  package func checkRoom(for count: Int, checkpointsOf length: Int) throws(Failure) {
    guard let free = FreeSpace.bytes(at: checkpoints) else { return }
    let (needed, overflow) = length.multipliedReportingOverflow(by: count)
    guard overflow || needed > free else { return }
    throw Failure(
      .cannotCreate,
      "\(quoted(checkpoints)) has \(free) bytes free, and "
        + "\(counted(count, "checkpoint", "checkpoints")) of \(length) bytes "
        + "need \(needed); make room, choose another --out, or keep fewer with --keep.")
  }

  private func cannotCreate(_ path: String) -> Failure {
    .system(
      .cannotCreate, "The run directory \(quoted(path)) cannot be created", errno: errno,
      remedy: "Choose another --out.")
  }
}
