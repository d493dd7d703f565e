import Checkpoints
import Layers
import MPI
import ModelParallel
import Safetensors
import System
import Towers

/// The checkpoints of a run: writes them while training goes on, and keeps the newest and the best.
///
/// `begin` copies what is to be saved and lets a thread of each rank write it into a file under a temporary name.
/// After each step the ranks tell each other whether one still writes; when none does, the first rank puts the
/// checksums into the header and gives the file its name. Whatever stands under a final name is therefore whole.
final class CheckpointStore {
  private let files: CheckpointFolder
  private let keeper: RunKeeper?
  private let network: Network
  private let group: Communicator
  private let plan: CheckpointPlan
  private let kept: Int
  private let journal: RunJournal
  private let writer: CheckpointWriter
  /// What is being written.
  private var pending: (state: TrainingState, header: SafetensorsHeader, start: Double)?
  /// The state that was saved last, or is being saved.
  private(set) var newest: TrainingState?
  /// Seconds that the last save took from its beginning to its name.
  private var lastDuration: Double?
  /// Seconds that training has waited for checkpoints so far.
  private(set) var secondsWaited = 0.0

  /// Makes the store of a run; all ranks of the network's group call it together.
  /// - Parameters:
  ///   - run: The run's folder.
  ///   - folder: The same, held open.
  ///   - keeper: What looks after it, in the first rank.
  ///   - network: What is saved.
  ///   - settings: What every checkpoint carries.
  ///   - preprocessing: Likewise.
  ///   - journal: Whose records are brought to the disk before a checkpoint counts on them.
  ///   - newest: The state of the checkpoint that the run goes on from.
  /// - Throws: `Failure` (cannotCreate) if the disk has no room for them, `MPIError` where a message fails.
  init(
    _ run: RunDirectory, _ folder: HeldFolder, _ keeper: RunKeeper?, network: Network,
    settings: TrainingSettings, preprocessing: Preprocessing, journal: RunJournal,
    newest: TrainingState?
  ) throws {
    files = CheckpointFolder(folder: folder)
    self.keeper = keeper
    self.network = network
    self.newest = newest
    self.journal = journal
    group = network.placement.all
    kept = settings.keptCheckpoints
    plan = try CheckpointPlan(network, settings, preprocessing)
    writer = CheckpointWriter(
      in: folder, network.savedParameters, mean: group.rank == 0 ? preprocessing.mean : nil)
    guard group.rank == 0 else { return }
    files.removePartial()
    // A run that was killed right after it named a checkpoint has not given it its other names.
    if let newest {
      if newest.best?.step == newest.step {
        files.name(newest.step, also: CheckpointName.best)
      }
      files.name(newest.step, also: CheckpointName.latest)
    }
    // The newest, the best one, and the one that is being written.
    try run.checkRoom(
      for: max(1, kept + 2 - files.steps.count), checkpointsOf: plan.fileLength)
  }

  /// Whether this rank still writes its part.
  var isWriting: Bool { !writer.isDone }

  /// How long a save may take, by the last one or by the bytes: 100 MB/s for each rank.
  var expectedSeconds: Double {
    lastDuration ?? Double(plan.fileLength) / Double(group.size) / 100e6 + 0.1
  }

  /// Starts to save the network as it is; all ranks call it together.
  ///
  /// One that is under way is finished first. Replicas that have drifted apart are not saved, whoever asks: each writes
  /// a part of the file, which would hold the weights of no replica. `expectedSeconds` counts the comparison.
  /// - Throws: `Failure` (ranksDisagree) if the replicas hold different weights, (inputOutput) if the file cannot be
  ///   written, `MPIError` where a message fails.
  func begin(_ state: TrainingState) throws {
    try finish()
    let start = MonotonicClock.seconds
    Activity.begin("saving")
    try network.compareReplicas(step: state.step)
    let header = plan.header(state)
    let temporary = CheckpointName.partial(afterSteps: state.step)
    if group.rank == 0 {
      do throws(Failure) {
        try keeper?.look(journal.say)
        try SafetensorsWriter.create(
          temporary, in: files.folder, header, remedy: "Make room and go on with --resume.")
      } catch {
        throw RunKeeper.explain(error, in: files.folder)
      }
    }
    try Activity.waiting(for: "start of a checkpoint") { try group.barrier() }
    writer.start(temporary, header, first: journal.diskJob)
    pending = (state, header, start)
    newest = state
    secondsWaited += MonotonicClock.seconds - start
  }

  /// Publishes the checkpoint that is being written where all ranks have written their parts.
  func poll(isWritingAnywhere: Bool) throws {
    if pending != nil, !isWritingAnywhere { try finish() }
  }

  /// Waits until what is being written has its name; all ranks call it together.
  func finish() throws {
    guard let (state, _, begun) = pending else { return }
    let start = MonotonicClock.seconds
    Activity.begin("saving")
    do throws(Failure) {
      let lines = CheckpointDigests.lines(try writer.finish())
      pending = nil
      let all: [String]
      do {
        all = try Activity.waiting(for: "the other ranks' part of a checkpoint") {
          try group.allGather(lines)
        }
      } catch {
        throw Failure(.inputOutput, "The checksums of a checkpoint cannot be sent: \(error).")
      }
      if group.rank == 0 { try publish(state, all) }
    } catch {
      remove(state)
      throw RunKeeper.explain(error, in: files.folder)
    }
    let end = MonotonicClock.seconds
    lastDuration = end - begun
    secondsWaited += end - start
  }

  /// Removes what is being written, where the run ends in an error.
  func abandon() {
    if let pending { remove(pending.state) }
  }

  /// Removes what is not whole, unless the folder is another's by now.
  private func remove(_ unfinished: TrainingState) {
    guard keeper?.isOwner ?? true else { return }
    files.folder.remove(CheckpointName.partial(afterSteps: unfinished.step))
  }

  /// Goes back to a checkpoint: those of later steps belong to a way that the run no longer goes.
  /// - Parameter state: What the checkpoint holds.
  /// - Throws: `Failure` (inputOutput) if the disk refuses.
  func goBack(to state: TrainingState) throws(Failure) {
    newest = state
    guard group.rank == 0 else { return }
    files.name(state.step, also: CheckpointName.latest)
    files.removeAll(after: state.step)
    try files.bringNamesToDisk()
  }

  private func publish(_ state: TrainingState, _ lines: [String]) throws(Failure) {
    try keeper?.look(journal.say)
    let temporary = CheckpointName.partial(afterSteps: state.step)
    guard files.folder.status(of: temporary) != nil else {
      throw Failure(
        .inputOutput,
        "\(quoted(files.folder.path(of: temporary))) was deleted while it was being written; go on with --resume."
      )
    }
    let writer = try SafetensorsWriter(opening: temporary, in: files.folder, plan.header(state))
    try writer.rewriteHeader(plan.header(state, digests: lines))
    try writer.finish()
    try files.folder.rename(temporary, to: CheckpointName.checkpoint(afterSteps: state.step))
    // Before others go.
    try files.bringNamesToDisk()
    let isBest = state.best?.step == state.step
    let hasBest = !isBest || files.name(state.step, also: CheckpointName.best)
    files.name(state.step, also: CheckpointName.latest)
    // Without hard links the best one keeps its own name.
    files.prune(
      keeping: kept, others: [state.rollbackStep, hasBest ? nil : state.best?.step])
    try files.bringNamesToDisk()
  }
}
