import Checkpoints
import Foundation
import Glibc
import MPI
import Networks
import Options
import Safetensors
import System
import Training

/// A run's folder, the lock on it, and the checkpoint to resume from.
final class OpenedRun {
  let run: RunDirectory
  /// The folder as the ranks have it.
  let folder: RunFolder
  /// Only in the first rank; released when the run ends.
  let lock: RunLock?
  private var checkpoint: SafetensorsFile?

  init(run: RunDirectory, folder: RunFolder, lock: RunLock?, checkpoint: SafetensorsFile?) {
    (self.run, self.folder, self.lock, self.checkpoint) = (run, folder, lock, checkpoint)
  }

  /// Returns the checkpoint to resume from, once; nil for a new run.
  ///
  /// An open file uses disk space even after newer checkpoints have replaced it, so it is not kept
  /// here.
  func takeCheckpoint() -> SafetensorsFile? {
    defer { checkpoint = nil }
    return checkpoint
  }
}

extension TrainCommand {
  /// Opens the run's folder, and the checkpoint to resume from if there is one; all ranks call this
  /// together.
  func open(_ settings: TrainingSettings, _ provenance: Provenance) throws -> OpenedRun {
    let given = arguments[TrainOptions.out]
    let path =
      try given ?? world.broadcast(world.rank == 0 ? makeFreshFolder(settings) : "", from: 0)
    let run = RunDirectory(path)
    let mode = ResumeMode(arguments)
    let allowed = try allowedChanges()
    var lock: RunLock?
    var goesOn = false
    if world.rank == 0 { (lock, goesOn) = try take(run, mode) }
    // The first rank's view of the folder decides for all.
    goesOn = try world.broadcast(goesOn ? "run" : "", from: 0) == "run"
    let folder = try RunFolder(run, lock, over: world)
    if let sentence = folder.sentence { say(sentence + "\n") }
    guard goesOn else {
      return OpenedRun(run: run, folder: folder, lock: lock, checkpoint: nil)
    }
    let newest =
      try world.rank == 0 ? checkpointToGoOnFrom(run, wantsGood: mode == .latestGood) : nil
    // All ranks resume from the file that the first one sees.
    let hasCheckpoint = try world.broadcast(newest ?? "", from: 0) != ""
    let checkpoint =
      hasCheckpoint ? try folder.open(String((newest ?? "").dropFirst(run.path.count + 1))) : nil
    let saved = try checkpoint.map(Checkpoint.describe)?.settings ?? savedSettings(run)
    try check(settings, against: saved, in: run, allowed)
    if let saved = checkpoint.flatMap(Provenance.init) {
      for sentence in provenance.differences(from: saved) { say("Warning: \(sentence)\n") }
    }
    return OpenedRun(run: run, folder: folder, lock: lock, checkpoint: checkpoint)
  }

  /// The settings in config.json, which the first rank reads for all.
  private func savedSettings(_ run: RunDirectory) throws -> TrainingSettings {
    try TrainingSettings(
      world.broadcast(world.rank == 0 ? run.savedSettings().json : "", from: 0),
      from: run.configuration)
  }

  /// Makes a folder for a run without `--out`; two runs that start in the same second get different
  /// folders.
  private func makeFreshFolder(_ settings: TrainingSettings) throws(Failure) -> String {
    let name = "runs/\(settings.network.name)-\(Self.timeStamp)"
    var (path, number) = (name, 1)
    while try !RunDirectory(path).makeFolder() {
      number += 1
      path = "\(name)-\(number)"
    }
    return path
  }

  /// Locks a run's folder, which is made if a run may start in it; its contents are examined only
  /// after that.
  /// - Returns: The lock, and whether there is a run to resume.
  private func take(
    _ run: RunDirectory, _ mode: ResumeMode?
  ) throws(Failure) -> (lock: RunLock?, goesOn: Bool) {
    let goesOn = { mode == .auto ? run.holdsTraining : mode != nil }
    if !goesOn() {
      try run.checkIsFree()
      try run.makeFolder()
    } else if !run.holdsTraining {
      _ = try run.savedSettings()
    }
    if let warning = try run.check() { say("Warning: \(warning)\n") }
    let lock = try self.lock(run)
    // Another run may have started and ended here while this one waited for the lock.
    guard !goesOn() else { return (lock, true) }
    try run.checkIsFree()
    try run.makeCheckpointFolder()
    return (lock, false)
  }

  private func lock(_ run: RunDirectory) throws(Failure) -> RunLock {
    try RunLock(run, patience: arguments[TrainOptions.watchdog].seconds ?? .infinity) {
      say($0 + "\n")
    }
  }

  /// The newest checkpoint, or the newest undamaged one if requested; damaged ones are then
  /// renamed.
  private func checkpointToGoOnFrom(
    _ run: RunDirectory, wantsGood: Bool
  ) throws(Failure) -> String? {
    if wantsGood {
      for path in run.checkpointFiles.reversed() {
        guard let complaint = try damage(of: path) else {
          return path
        }
        guard rename(path, path + RunDirectory.damagedSuffix) == 0 else {
          throw .system(.inputOutput, "\(quoted(path)) cannot be renamed", errno: errno)
        }
        say("\(complaint) It was renamed to \(quoted(path + RunDirectory.damagedSuffix)).\n")
      }
    }
    if let newest = try run.newestCheckpoint() { return newest }
    // A new run would overwrite everything that is there.
    guard run.remains.isEmpty, !wantsGood else {
      throw Failure(
        .badData,
        "\(quoted(run.checkpoints)) holds no intact checkpoint to resume from"
          + (run.remains.first.map { ", but \(quoted($0))" } ?? "")
          + "; put one back under its name, or start a new run with another --out.")
    }
    say(
      "\(quoted(run.path)) holds a run without a checkpoint; training starts from the beginning.\n")
    return nil
  }

  /// The damage of a checkpoint; nil if there is none.
  /// - Throws: `Failure` if that cannot be determined: it cannot be read, or a newer program wrote
  ///   it.
  private func damage(of path: String) throws(Failure) -> Failure? {
    if let misnaming = Checkpoint.misnaming(of: path) { return misnaming }
    let file: SafetensorsFile
    do throws(Failure) { file = try SafetensorsFile(opening: path) } catch {
      guard error.exitCode == .badData else { throw error }
      return error
    }
    if NetworkFile.isNewer(file) { try NetworkFile.checkFormat(file) }
    do throws(Failure) { _ = try CheckpointDigests(file) } catch { return error }
    // A complete description that is not understood does not mean damage.
    _ = try NetworkFile.network(of: file)
    do throws(Failure) { try NetworkFile(file).verify() } catch {
      guard error.exitCode == .badData else { throw error }
      return error
    }
    return nil
  }

  /// Refuses for a dry run what a run refuses of the folder that it would train in.
  func checkFolder(_ settings: TrainingSettings) throws(Failure) {
    guard let out = arguments[TrainOptions.out] else { return }
    let run = RunDirectory(out)
    if let saved = record.run {
      try check(settings, against: saved, in: run, try allowedChanges())
    } else {
      try run.checkIsFree()
    }
  }

  private func allowedChanges() throws(Failure) -> Set<String> {
    let keys = arguments[TrainOptions.allowChanged].flatMap {
      $0.split(separator: ",").map(String.init)
    }
    if let key = keys.first(where: { !TrainingSettings.changeable.contains($0) }) {
      throw Failure(
        .usage,
        "--allow-changed takes \(TrainingSettings.changeable.joined(separator: ", ")), not "
          + "\(quoted(key))."
      )
    }
    return Set(keys)
  }

  private func check(
    _ settings: TrainingSettings, against saved: TrainingSettings, in run: RunDirectory,
    _ allowed: Set<String>
  ) throws(Failure) {
    if let difference = settings.networkDifference(from: saved) {
      throw Failure(
        .badData,
        "The run in \(quoted(run.path)) \(difference). Start a new run with another --out.")
    }
    let differences = settings.differences(from: saved)
    let refused = differences.filter { !allowed.contains($0.key) }
    guard refused.isEmpty else {
      var seen: Set<String> = []
      let keys = refused.map(\.key).filter { seen.insert($0).inserted }
        .map { "--allow-changed \($0)" }.joined(separator: " ")
      throw Failure(
        .usage,
        "\(quoted(run.path)) holds a run with other settings: "
          + "\(refused.map(\.sentence).joined(separator: "; ")). Give the same options, allow the "
          + "change with \(keys), or start a new run with another --out.")
    }
    for difference in differences { say("Allowed: \(difference.sentence).\n") }
    let (batch, old) = (settings.recipe.batchSize, saved.recipe.batchSize)
    if batch != old {
      say(
        "Epochs are counted as if every step so far had also had the new batch of \(batch): the "
          + "epochs done become \(plain(Double(batch) / Double(old), digits: 4)) times as many.\n"
      )
    }
    if saved.threadsPerTower != settings.threadsPerTower {
      say(
        "Warning: the run used \(saved.threadsPerTower) threads per tower and continues with "
          + "\(settings.threadsPerTower): sums are rounded differently from here on.\n")
    }
  }

  static var timeStamp: String {
    let format = DateFormatter()
    format.locale = Locale(identifier: "en_US_POSIX")
    format.dateFormat = "yyyyMMdd-HHmmss"
    return format.string(from: Date())
  }
}
