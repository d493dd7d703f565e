package import Checkpoints
import Layers
import MPI
import ModelParallel
import Safetensors
package import System
package import Towers

/// Writes the checkpoints of a run in the background, and keeps the newest and the best.
///
/// `begin` copies the data, and a thread in each rank writes it into a file with a temporary name.
/// After each step the ranks tell each other whether one is still writing. When none is, the first
/// rank writes the checksums into the header and renames the file. So every file with a final name
/// is complete.
package final class CheckpointStore {
  /// The files, in a rank that sees them.
  private let files: CheckpointFolder?
  private let folder: RunFolder
  private let keeper: RunKeeper?
  private let network: Network
  private let group: Communicator
  private let plan: CheckpointPlan
  private let kept: Int
  private let journal: RunJournal
  private let writer: CheckpointWriter
  /// The checkpoint that is being written.
  private var pending: (state: TrainingState, start: Double, folder: FileStatus?)?
  /// The state that was saved last, or is being saved.
  package private(set) var newest: TrainingState?
  /// The duration of the last save in seconds, from `begin` to the renaming.
  private var lastDuration: Double?
  /// Seconds that training has waited for checkpoints so far.
  package private(set) var secondsWaited = 0.0

  /// Opens the store of a run; all ranks of the network's group call this together.
  /// - Parameters:
  ///   - run: The run's folder.
  ///   - folder: The same folder, as the ranks have it.
  ///   - keeper: The object that watches it, in the first rank.
  ///   - network: The network to save.
  ///   - settings: The settings that every checkpoint contains.
  ///   - preprocessing: The preprocessing that every checkpoint contains.
  ///   - provenance: What every checkpoint says of where it was made.
  ///   - journal: The journal whose records are synced to disk before each checkpoint.
  ///   - newest: The state of the checkpoint from which the run resumes.
  /// - Throws: `Failure` (cannotCreate) if the disk is too small for them, `MPIError` if a message
  ///   fails.
  package init(
    _ run: RunDirectory, _ folder: RunFolder, _ keeper: RunKeeper?, network: Network,
    settings: TrainingSettings, preprocessing: Preprocessing, provenance: Provenance,
    journal: RunJournal, newest: TrainingState?
  ) throws {
    self.folder = folder
    files = folder.held.map(CheckpointFolder.init)
    self.keeper = keeper
    self.network = network
    self.newest = newest
    self.journal = journal
    group = network.placement.all
    kept = settings.keptCheckpoints
    plan = try CheckpointPlan(network, settings, preprocessing, provenance)
    writer = CheckpointWriter(
      in: folder.held, network.savedParameters, mean: group.rank == 0 ? preprocessing.mean : nil)
    guard group.rank == 0, let files else { return }
    files.removePartial()
    // A run that was killed right after it renamed a checkpoint has not given it its other names.
    if let newest {
      if newest.best?.step == newest.step {
        files.name(newest.step, also: CheckpointName.best)
      }
      files.name(newest.step, also: CheckpointName.latest)
    }
    // The newest, the best, and the one that is being written.
    try run.checkRoom(
      for: max(1, kept + 2 - files.steps.count), checkpointsOf: plan.fileLength)
  }

  /// Whether this rank is still writing its part.
  package var isWriting: Bool { !writer.isDone }

  /// How long a save may take: as long as the last one, or at first 100 MB/s for each rank.
  package var expectedSeconds: Double {
    lastDuration ?? Double(plan.fileLength) / Double(group.size) / 100e6 + 0.1
  }

  /// Starts to save the network's current state; all ranks call this together.
  ///
  /// A save in progress is finished first. Replicas whose weights differ are not saved, whoever
  /// asks: each writes a part of the file, which would then hold the weights of no replica.
  /// `expectedSeconds` includes the comparison.
  /// - Throws: `Failure` (ranksDisagree) if the replicas hold different weights, (inputOutput) if
  ///   the file cannot be written, `MPIError` if a message fails.
  package func begin(_ state: TrainingState) throws {
    try finish()
    let start = MonotonicClock.seconds
    Activity.begin("saving")
    try network.compareReplicas(step: state.step)
    let header = plan.header(state)
    // A rank that does not hold the folder opens no file.
    let temporary = files?.partial(afterSteps: state.step).temporary ?? ""
    if group.rank == 0, let files {
      do throws(Failure) {
        try keeper?.look(journal.say)
        try SafetensorsWriter.create(
          temporary, in: files.folder, header, remedy: "Make room and continue with --resume.")
      } catch {
        throw RunKeeper.explain(error, in: files.folder)
      }
    }
    try Activity.waiting(for: "start of a checkpoint") { try group.barrier() }
    writer.start(temporary, header, first: journal.diskJob)
    pending = (state, start, files?.folder.status(of: CheckpointName.folder))
    newest = state
    secondsWaited += MonotonicClock.seconds - start
  }

  /// Publishes the checkpoint that is being written if all ranks have written their parts.
  package func poll(isWritingAnywhere: Bool) throws {
    if pending != nil, !isWritingAnywhere { try finish() }
  }

  /// Waits until the checkpoint that is being written has its name; all ranks call this together.
  package func finish() throws {
    guard let (state, begun, begunIn) = pending else { return }
    let start = MonotonicClock.seconds
    Activity.begin("saving")
    do throws(Failure) {
      let lines = CheckpointDigests.lines(try writer.finish())
      pending = nil
      let all: [String]
      do {
        all = try Activity.waiting(for: "the other ranks' part of a checkpoint") {
          try folder.world.allGather(lines)
        }
      } catch {
        throw Failure(.inputOutput, "The checksums of a checkpoint cannot be sent: \(error).")
      }
      try collect(state, all)
      if group.rank == 0, let files { try publish(state, all, in: files) }
    } catch {
      remove(state)
      throw files.map { RunKeeper.explain(error, in: $0.folder, checkpoints: begunIn) } ?? error
    }
    let end = MonotonicClock.seconds
    lastDuration = end - begun
    secondsWaited += end - start
  }

  /// Removes an incomplete checkpoint when the run ends in an error.
  package func abandon() {
    if let pending { remove(pending.state) }
  }

  /// Removes an incomplete checkpoint, unless another run now owns the folder.
  private func remove(_ unfinished: TrainingState) {
    guard keeper?.isOwner ?? true else { return }
    files?.partial(afterSteps: unfinished.step).remove()
  }

  /// Returns to a checkpoint and removes those of later steps.
  /// - Parameter state: The state in the checkpoint.
  /// - Throws: `Failure` (inputOutput) if the disk reports an error.
  package func goBack(to state: TrainingState) throws(Failure) {
    newest = state
    guard group.rank == 0, let files else { return }
    files.name(state.step, also: CheckpointName.latest)
    // The best so far may be one of the later steps.
    if let best = state.best?.step, files.steps.contains(best) {
      files.name(best, also: CheckpointName.best)
    }
    files.removeAll(after: state.step)
    try files.bringNamesToDisk()
  }

  /// Writes in the first rank what ranks have that do not see the folder; `lines` say what each
  /// rank has.
  private func collect(_ state: TrainingState, _ lines: [String]) throws(Failure) {
    guard !folder.ranksWithout.isEmpty else { return }
    do {
      if folder.held == nil { return try writer.send(over: folder.world) }
      guard group.rank == 0, let files else { return }
      let file = try SafetensorsWriter(
        opening: files.partial(afterSteps: state.step).temporary, in: files.folder,
        plan.header(state))
      for rank in folder.ranksWithout {
        var digests = CheckpointDigests(of: [])
        digests.merge(lines: lines[rank])
        try CheckpointWriter.receive(
          digests.digests.keys, from: rank, over: folder.world, into: file)
      }
      try file.finish()
    } catch let failure as Failure {
      throw failure
    } catch {
      throw Failure(.inputOutput, "A rank's part of a checkpoint cannot be sent: \(error).")
    }
  }

  private func publish(
    _ state: TrainingState, _ lines: [String], in files: CheckpointFolder
  ) throws(Failure) {
    try keeper?.look(journal.say)
    let file = files.partial(afterSteps: state.step)
    guard file.isThere else {
      throw Failure(
        .inputOutput,
        "\(quoted(files.folder.path(of: file.temporary))) was deleted while it was being written; "
          + "continue with --resume."
      )
    }
    let writer = try SafetensorsWriter(
      opening: file.temporary, in: files.folder, plan.header(state))
    try writer.rewriteHeader(plan.header(state, digests: lines))
    try writer.finish()
    // The name is on the disk before others go.
    try file.publish()
    let isBest = state.best?.step == state.step
    let hasBest = !isBest || files.name(state.step, also: CheckpointName.best)
    files.name(state.step, also: CheckpointName.latest)
    // Without hard links the best checkpoint keeps its own name.
    files.prune(
      keeping: kept, others: [state.rollbackStep, hasBest ? nil : state.best?.step])
    try files.bringNamesToDisk()
  }
}
