import Glibc
import System

/// Watches a run's folder while it trains, in the first rank.
///
/// It handles folders and files that others move, delete or take over.
package final class RunKeeper {
  private let folder: HeldFolder
  private let lock: RunLock
  private let files: [KeptFile]
  private let settings: String
  /// The file status of the checkpoint folder; nil if it does not exist yet.
  private var checkpoints: FileStatus?
  private var lastLook = -Double.infinity
  /// The folder's new path, if it was moved away from its name.
  private var newPlace: String??

  /// The number of seconds between checks of the folder, besides those at saves.
  private static let interval = 1.0

  /// - Parameters:
  ///   - lock: The lock on the run's folder.
  ///   - files: The files that the run appends to.
  ///   - settings: The contents of config.json.
  init(_ lock: RunLock, files: [KeptFile], settings: String) {
    folder = lock.folder
    self.lock = lock
    self.files = files
    self.settings = settings
    checkpoints = folder.status(of: CheckpointName.folder)
  }

  /// Whether nobody else has taken over the folder, or replaced the checkpoint folder.
  var isOwner: Bool { lock.isOwner && standsUnderCheckpoints }

  private var standsUnderCheckpoints: Bool {
    guard let checkpoints, let named = folder.status(of: CheckpointName.folder) else { return true }
    return checkpoints.isSameFile(as: named)
  }

  /// Whether the folder was moved away from the path given to the run, so that the run must end.
  var isMoved: Bool { newPlace != nil }

  /// Checks the folder, if a second has passed since the last check.
  func lookNowAndThen(_ tell: (String) throws(Failure) -> Void) throws(Failure) {
    guard MonotonicClock.seconds - lastLook >= Self.interval else { return }
    try look(tell)
  }

  /// Checks the folder, and restores what was deleted from it.
  /// - Parameter tell: Called with messages for the user.
  /// - Throws: `Failure` (cannotCreate) if another process has taken over the folder, (inputOutput)
  ///   if it was deleted, the checkpoint folder was replaced, or something missing cannot be made
  ///   again.
  func look(_ tell: (String) throws(Failure) -> Void) throws(Failure) {
    lastLook = MonotonicClock.seconds
    do throws(Failure) { try putBack(tell) } catch { throw Self.explain(error, in: folder) }
  }

  private func putBack(_ tell: (String) throws(Failure) -> Void) throws(Failure) {
    switch folder.place {
    case .nowhere: throw Self.deletion(of: folder)
    case .elsewhere(let path): newPlace = .some(path)
    case .itsOwn: newPlace = nil
    }
    if try lock.confirm() { try tell(made(RunDirectory.Name.lock)) }
    let isMade = try folder.makeFolder(CheckpointName.folder)
    if isMade || checkpoints == nil { checkpoints = folder.status(of: CheckpointName.folder) }
    if isMade { try tell(made(CheckpointName.folder)) }
    guard standsUnderCheckpoints else { throw Self.replacement(in: folder) }
    if folder.status(of: RunDirectory.Name.configuration) == nil {
      try TextFile.write(settings, to: RunDirectory.Name.configuration, in: folder)
      try tell(made(RunDirectory.Name.configuration))
    }
    for file in files {
      switch try file.lookAfter(in: folder) {
      case .stands: break
      case .putBack: try tell(made(file.name))
      case .replaced:
        try tell(
          "Warning: \(quoted(folder.path(of: file.name))) was replaced by another file while the "
            + "run trained; new lines are written to that file.")
      }
    }
  }

  /// Explains a failure in a run's folder: if it or its checkpoint folder was deleted or replaced,
  /// says so instead.
  /// - Parameters:
  ///   - failure: The system's error.
  ///   - folder: The run's folder.
  ///   - checkpoints: The file status that its checkpoint folder had before, if that is known.
  /// - Returns: The error to throw.
  static func explain(
    _ failure: Failure, in folder: HeldFolder, checkpoints: FileStatus? = nil
  ) -> Failure {
    // The deletion may still be in progress.
    for pause in [0, 20_000, 100_000] as [useconds_t] {
      usleep(pause)
      if case .nowhere = folder.place { return deletion(of: folder) }
    }
    if let named = folder.status(of: CheckpointName.folder) {
      let isReplaced = checkpoints.map { !$0.isSameFile(as: named) } ?? false
      return isReplaced ? replacement(in: folder) : failure
    }
    return Failure(
      .inputOutput,
      "\(quoted(folder.path(of: CheckpointName.folder))) was deleted while a checkpoint was being "
        + "written; continue with --resume.")
  }

  private static func deletion(of folder: HeldFolder) -> Failure {
    Failure(
      .inputOutput,
      "The run's folder \(quoted(folder.path)) was deleted while the run trained, with all that "
        + "was saved; start it again.")
  }

  private static func replacement(in folder: HeldFolder) -> Failure {
    Failure(
      .inputOutput,
      "\(quoted(folder.path(of: CheckpointName.folder))) was replaced by something else while "
        + "the run trained, and nothing more is written there; put the run's own folder back and "
        + "continue with --resume.")
  }

  private func made(_ name: String) -> String {
    "Warning: \(quoted(folder.path(of: name))) was deleted while the run trained, and is made "
      + "again."
  }

  /// The error for a run whose folder was moved.
  /// - Parameter saved: The steps of its newest checkpoint; nil if it has none.
  /// - Returns: The error, with the path to resume from.
  func ending(saved: Int?) -> Failure {
    let place = (newPlace ?? nil).map(quoted)
    return Failure(
      .inputOutput,
      "The run's folder \(quoted(folder.path)) was moved \(place.map { "to \($0) " } ?? "")while "
        + "the run trained. "
        + (saved.map {
          "Step \($0) is saved there; continue with --out \(place ?? "and its new place") --resume."
        } ?? "Nothing was saved yet; start the run again."))
  }
}
