package import System

/// The checkpoints in the folder of the run that this process trains.
package struct CheckpointFolder {
  /// The run's folder.
  package let folder: HeldFolder

  /// Looks after the checkpoints in a run's folder.
  package init(folder: HeldFolder) { self.folder = folder }

  /// The steps of the existing checkpoints in ascending order; a copy under another name belongs to
  /// the user.
  package var steps: [Int] {
    folder.names(in: CheckpointName.folder).compactMap(CheckpointName.steps).sorted().filter {
      Checkpoint.misnaming(of: CheckpointName.checkpoint(afterSteps: $0), in: folder) == nil
    }
  }

  /// A checkpoint while it is being written.
  func partial(afterSteps steps: Int) -> PartialFile {
    PartialFile(CheckpointName.checkpoint(afterSteps: steps), in: folder)
  }

  /// Gives a checkpoint a second name, replacing the file that had it.
  /// - Returns: Whether the file system supports hard links.
  @discardableResult
  package func name(_ steps: Int, also name: String) -> Bool {
    PartialFile(name, in: folder).publish(asLinkTo: CheckpointName.checkpoint(afterSteps: steps))
  }

  /// Removes all but the newest checkpoints.
  /// - Parameters:
  ///   - count: How many of the newest to keep.
  ///   - others: The steps of other checkpoints to keep.
  package func prune(keeping count: Int, others: [Int?]) {
    for steps in steps.dropLast(count) where !others.contains(steps) { remove(steps) }
  }

  /// Removes the checkpoints of later steps.
  package func removeAll(after step: Int) {
    for steps in steps where steps > step { remove(steps) }
  }

  /// Removes the files of interrupted saves.
  package func removePartial() {
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
