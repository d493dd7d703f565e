import System

/// The checkpoints in the folder of the run that this process trains.
struct CheckpointFolder {
  /// The run's folder.
  let folder: HeldFolder

  /// The steps of the existing checkpoints in ascending order; a copy under another name belongs to
  /// the user.
  var steps: [Int] {
    folder.names(in: CheckpointName.folder).compactMap(CheckpointName.steps).sorted().filter {
      Checkpoint.misnaming(of: CheckpointName.checkpoint(afterSteps: $0), in: folder) == nil
    }
  }

  /// Gives a checkpoint a second name, replacing the file that had it.
  /// - Returns: Whether the file system supports hard links.
  @discardableResult
  func name(_ steps: Int, also name: String) -> Bool {
    let temporary = name + CheckpointName.partialSuffix
    folder.remove(temporary)
    guard folder.link(CheckpointName.checkpoint(afterSteps: steps), as: temporary) else {
      return false
    }
    // Renaming between two names of the same file does nothing.
    defer { folder.remove(temporary) }
    do throws(Failure) { try folder.rename(temporary, to: name) } catch { return false }
    return true
  }

  /// Removes all but the newest checkpoints.
  /// - Parameters:
  ///   - count: How many of the newest to keep.
  ///   - others: The steps of other checkpoints to keep.
  func prune(keeping count: Int, others: [Int?]) {
    for steps in steps.dropLast(count) where !others.contains(steps) { remove(steps) }
  }

  /// Removes the checkpoints of later steps.
  func removeAll(after step: Int) { for steps in steps where steps > step { remove(steps) } }

  /// Removes the files of interrupted saves.
  func removePartial() {
    for name in folder.names(in: CheckpointName.folder) where CheckpointName.isPartial(name) {
      folder.remove("\(CheckpointName.folder)/\(name)")
    }
  }

  /// Syncs the folder's names to disk.
  /// - Throws: `Failure` (inputOutput) if that fails.
  func bringNamesToDisk() throws(Failure) {
    try folder.bringNamesToDisk(of: CheckpointName.folder)
  }

  private func remove(_ steps: Int) {
    folder.remove(CheckpointName.checkpoint(afterSteps: steps))
  }
}
