import Glibc
import System

/// Sees to it that a run's folder stays the run's while it trains: what the first rank does about whatever others move,
/// delete or take over.
final class RunKeeper {
  private let folder: HeldFolder
  private let lock: RunLock
  private let files: [KeptFile]
  private let settings: String
  /// What the system says of the folder of the checkpoints; nil if there is none yet.
  private var checkpoints: stat?
  private var lastLook = -Double.infinity
  /// Where the folder is now, where it has been moved away from its name.
  private var newPlace: String??

  /// Seconds between looks at the folder, saves apart.
  private static let interval = 1.0

  /// Makes the keeper of a run.
  /// - Parameters:
  ///   - lock: The hold on the run's folder.
  ///   - files: What is appended to.
  ///   - settings: What config.json holds.
  init(_ lock: RunLock, files: [KeptFile], settings: String) {
    folder = lock.folder
    self.lock = lock
    self.files = files
    self.settings = settings
    checkpoints = folder.status(of: CheckpointName.folder)
  }

  /// Whether nobody else has taken the folder over, or put another one in the place of the checkpoints'.
  var isOwner: Bool { lock.isOwner && standsUnderCheckpoints }

  private var standsUnderCheckpoints: Bool {
    guard let checkpoints, let named = folder.status(of: CheckpointName.folder) else { return true }
    return checkpoints.isSameFile(as: named)
  }

  /// Whether the folder stands somewhere else than the run was told, so that it must end.
  var isMoved: Bool { newPlace != nil }

  /// Looks at the folder, if a second has passed since the last time.
  func lookNowAndThen(_ tell: (String) throws(Failure) -> Void) throws(Failure) {
    guard MonotonicClock.seconds - lastLook >= Self.interval else { return }
    try look(tell)
  }

  /// Looks at the folder, and puts back what was deleted from it.
  /// - Parameter tell: Told what the user should know.
  /// - Throws: `Failure` (cannotCreate) if another process has taken the folder over, (inputOutput) if it has been
  ///   deleted, that of the checkpoints is another one, or what is missing cannot be made again.
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
    guard standsUnderCheckpoints else {
      throw Failure(
        .inputOutput,
        "\(quoted(folder.path(of: CheckpointName.folder))) was replaced by something else while the run trained, and "
          + "nothing more is written there; put the run's own folder back and go on with --resume.")
    }
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
          "Warning: \(quoted(folder.path(of: file.name))) was replaced by another file while the run trained; what "
            + "follows is written to that one.")
      }
    }
  }

  /// What to say of a failure in a run's folder: that the folder was deleted, where that is the reason.
  /// - Parameters:
  ///   - failure: What the system said.
  ///   - folder: The run's folder.
  /// - Returns: What to throw.
  static func explain(_ failure: Failure, in folder: HeldFolder) -> Failure {
    // Whoever deletes it may not be through.
    for pause in [0, 20_000, 100_000] as [useconds_t] {
      usleep(pause)
      if case .nowhere = folder.place { return deletion(of: folder) }
    }
    guard folder.status(of: CheckpointName.folder) == nil else { return failure }
    return Failure(
      .inputOutput,
      "\(quoted(folder.path(of: CheckpointName.folder))) was deleted while a checkpoint was being written; go on with "
        + "--resume.")
  }

  private static func deletion(of folder: HeldFolder) -> Failure {
    Failure(
      .inputOutput,
      "The run's folder \(quoted(folder.path)) was deleted while the run trained, with all that was saved; start it "
        + "again.")
  }

  private func made(_ name: String) -> String {
    "Warning: \(quoted(folder.path(of: name))) was deleted while the run trained, and is made again."
  }

  /// Says why a run ends whose folder was moved.
  /// - Parameter saved: The steps of its newest checkpoint; nil if it has none.
  /// - Returns: The sentence, with where to go on.
  func ending(saved: Int?) -> Failure {
    let place = (newPlace ?? nil).map(quoted)
    return Failure(
      .inputOutput,
      "The run's folder \(quoted(folder.path)) was moved \(place.map { "to \($0) " } ?? "")while the run trained. "
        + (saved.map {
          "Step \($0) is saved there; go on with --out \(place ?? "and its new place") --resume."
        } ?? "Nothing was saved yet; start the run again."))
  }
}
