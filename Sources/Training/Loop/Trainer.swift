package import Checkpoints
package import Data
import Foundation
import Layers
package import MPI
package import ModelParallel
import Networks
package import Safetensors
import Supervision
import System
package import Towers

/// The result of a run.
package struct TrainingResult: Sendable {
  /// The number of steps done.
  package let steps: Int
  /// The last validation's top-1 error in percent; nil without validation images.
  package let top1Error: Double?
  /// Whether steps are left, because the run was asked to stop.
  package let isUnfinished: Bool
}

/// Trains a network on the ranks of a group: steps, validations, records and checkpoints in order.
package final class Trainer {
  let settings: TrainingSettings
  let dataset: Dataset
  let network: Network
  let safeguards: Safeguards
  let world: Communicator
  /// The run's folder, open.
  let folder: HeldFolder
  /// The object that watches it, in the first rank.
  let keeper: RunKeeper?
  let plan: RunPlan
  let journal: RunJournal
  let checkpoints: CheckpointStore
  let agreement: StepAgreement
  var state: TrainingState
  let threads: Int
  let team: ThreadTeam
  let validator: Validator
  let parallelism: Parallelism
  let observer: RunObserver
  let preprocessing: Preprocessing
  var steps: StepRunner
  var watch: StartWatch
  var speed = SpeedMeter()
  var waits = WaitShares()
  /// How many damaged records were skipped.
  var skipped = 0

  /// Builds the network and opens the run.
  /// - Parameters:
  ///   - settings: Every setting.
  ///   - safeguards: The supervision of the run.
  ///   - dataset: The images.
  ///   - placement: Which ranks have which towers.
  ///   - parallelism: How the ranks share the work.
  ///   - world: All ranks.
  ///   - run: The run's folder, which exists.
  ///   - lock: The lock on it, in the first rank.
  ///   - checkpoint: The checkpoint to resume from; nil for a new run.
  ///   - load: Fills a new run's network with the weights of a file; nil if all layers start with
  ///     their initial values.
  ///   - threads: The number of threads of this process.
  ///   - tensorBoard: Whether to write files for TensorBoard into the run's folder.
  /// - Throws: `Failure` if the settings, the dataset or the checkpoint do not fit together.
  package init(
    settings: TrainingSettings, safeguards: Safeguards, dataset: Dataset, placement: Placement,
    parallelism: Parallelism = Parallelism(), world: Communicator, run: RunDirectory,
    lock: RunLock?, resuming checkpoint: SafetensorsFile?,
    startingFrom load: ((Network) throws -> StartingPoint)?, threads: Int,
    tensorBoard: Bool = false
  ) throws {
    self.settings = settings
    self.safeguards = safeguards
    self.dataset = dataset
    self.world = world
    self.threads = threads
    folder = try lock?.folder ?? HeldFolder(run.path)
    let recipe = settings.recipe
    Activity.begin("building the network")
    network = try Network(
      settings.network, placement: placement,
      options: NetworkOptions(
        batchSize: recipe.batchSize, threadsPerTower: settings.threadsPerTower, seed: settings.seed,
        isTrained: true, frozenLayers: settings.fineTuning?.frozenLayers ?? [],
        algorithm: settings.algorithm, scheme: parallelism.scheme,
        formats: settings.formats ?? WireFormats()))
    self.parallelism = parallelism
    var preprocessing: Preprocessing
    var beginning: StartingPoint?
    if let checkpoint {
      state = try Checkpoint.describe(checkpoint).state
      if safeguards.divergence != .stop, state.rollbackStep == nil {
        state.rollbackStep = state.step
      }
      try Checkpoint.load(checkpoint, into: network)
      preprocessing = try NetworkFile(checkpoint).preprocessing
    } else {
      state = TrainingState()
      beginning = try load?(network)
      preprocessing =
        beginning?.preprocessing
        ?? Preprocessing(
          for: settings.network, classNames: dataset.classNames, mean: dataset.mean)
      preprocessing.resizing = dataset.resizing
    }
    // As in this training, whatever the file of the weights says.
    preprocessing.meanPlace = recipe.augmentation.meanPlace
    self.preprocessing = preprocessing
    Activity.begin("opening the run's files")
    let isFirst = placement.isFirst
    journal = try RunJournal(in: folder, keeping: state.records, speaks: isFirst)
    if isFirst {
      try TextFile.write(settings.json, to: RunDirectory.Name.configuration, in: folder)
    }
    observer = try RunObserver(
      network, over: placement.all, learningRate: recipe.learningRate,
      tensorBoard: tensorBoard ? run.tensorBoard : nil, firstStep: state.step)
    let files = journal.files + observer.files
    keeper = lock.map { RunKeeper($0, files: files, settings: settings.json) }
    plan = RunPlan(settings, images: dataset.count(.train))
    checkpoints = try CheckpointStore(
      run, folder, keeper, network: network, settings: settings,
      preprocessing: preprocessing, journal: journal, newest: checkpoint == nil ? nil : state)
    agreement = StepAgreement(world)
    watch = StartWatch(classes: settings.network.classes, learningRate: recipe.learningRate)
    let damagedRecords: BatchLoader.DamagedRecords = settings.skipsCorrupt == true ? .skip : .stop
    validator = Validator(
      dataset, preprocessing, side: settings.network.inputSide, batchSize: recipe.batchSize,
      threads: threads,
      damagedRecords: damagedRecords)
    team = ThreadTeam(count: threads)
    steps = try Self.runner(
      network, settings, state, dataset, preprocessing, team: team, threads: threads, safeguards,
      rank: world.rank)
    try journal.say(
      checkpoint == nil
        ? "Training \(settings.network.name) on \(dataset.count(.train)) images of "
          + "\(settings.network.classes) classes: \(plan.lastStep) steps of \(recipe.batchSize)."
        : "Going on after step \(state.step) of \(plan.lastStep).")
    try journal.say(recipe.text)
    for notice in beginning?.notices ?? [] { try journal.say(notice) }
    if checkpoint == nil, let notice = dataset.enlargingNotice {
      try journal.say("Warning: \(notice)")
    }
  }

  /// Trains to the end of the run, or until it is asked to stop.
  /// - Throws: `Failure` if a file cannot be read or written or the numbers diverge, `MPIError` if
  ///   a message fails.
  package func train() throws -> TrainingResult {
    do {
      return try runLoop()
    } catch {
      checkpoints.abandon()
      throw error
    }
  }

  private func runLoop() throws -> TrainingResult {
    for fault in safeguards.faults { fault.arm(rank: world.rank) }
    let start = MonotonicClock.seconds
    var nonFinite: Int?
    while true {
      Activity.begin("between steps", step: state.step)
      let news = try agree(nonFinite: nonFinite)
      // A step that made weights infinite or NaN is not saved, whoever asks.
      if let number = news.nonFinite {
        let sentence = Divergence(network, world).sentence(parameter: number, step: state.step)
        nonFinite = nil
        try recover(from: sentence)
        continue
      }
      if news.request >= .saveAndLeave { return try leave(news) }
      if isTimeToValidate {
        guard try validate() else { continue }
      }
      if news.request == .save || isTimeToSave {
        // Requests from here on are for the next step.
        if news.request == .save { StopSignals.noteSaved() }
        try checkpoints.begin(stateToSave())
        if news.request == .save { try journal.say("Saving step \(state.step), as asked for.") }
      }
      if isAtEnd { break }
      nonFinite = try step()
    }
    try checkpoints.finish()
    try journal.say(
      String(
        format: "Training waited for checkpoints for %.1f s, %.1f %% of the time.",
        checkpoints.secondsWaited,
        100 * checkpoints.secondsWaited / max(1e-9, MonotonicClock.seconds - start)))
    return TrainingResult(
      steps: state.step, top1Error: state.validation?.top1Error, isUnfinished: false)
  }

  // MARK: What is due

  private var isAtEnd: Bool { state.step >= plan.lastStep || state.schedule.isFinished }

  /// It stays due if a validation was interrupted: a resumed run begins with it.
  var isTimeToValidate: Bool {
    guard validator.imageCount > 0, state.validation?.step != state.step else { return false }
    return isAtEnd || (state.step > 0 && plan.isTimeToValidate(after: state.step))
  }

  private var isTimeToSave: Bool { !isSaved && (isAtEnd || isScheduledSave) }

  /// Whether the schedule has a checkpoint here, whatever was requested and wherever this start of
  /// the run ends.
  private var isScheduledSave: Bool {
    // A validation that is due comes first.
    guard !isTimeToValidate else { return false }
    // A run that may roll back needs a checkpoint to return to.
    guard state.step > 0 else { return safeguards.divergence != .stop }
    return plan.isTimeToSave(after: state.step)
      || (validator.imageCount > 0 && plan.isTimeToValidate(after: state.step))
  }

  var isSaved: Bool {
    checkpoints.newest?.step == state.step && checkpoints.newest?.validation == state.validation
  }

  /// The complete state for a checkpoint.
  func stateToSave() -> TrainingState {
    state.records = journal.records
    if isScheduledSave { state.rollbackStep = state.step }
    return state
  }

  var learningRate: Double {
    (plan.learningRate(state) * (state.rollbacks?.rateFactor ?? 1)).asWritten
  }
}
