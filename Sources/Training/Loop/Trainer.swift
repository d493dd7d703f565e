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

/// Trains a network on the ranks of a group: steps, validations, records and checkpoints in order.
package final class Trainer {
  private let settings: TrainingSettings
  private let dataset: Dataset
  private let network: Network
  private let safeguards: Safeguards
  private let parallelism: Parallelism
  private let preprocessing: Preprocessing
  private let world: Communicator
  private let team: ThreadTeam
  /// The run's folder, as the ranks have it.
  private let folder: RunFolder
  /// The object that watches it, in the first rank.
  private let keeper: RunKeeper?
  private let plan: RunPlan
  private let journal: RunJournal
  private let observer: RunObserver
  private let stepLog: StepLog
  private let validationLog: ValidationLog
  private let chance: Chance
  private let remedies: Remedies
  private let checkpoints: CheckpointStore
  private let meeting: StepMeeting
  private let validator: Validator
  private var state: TrainingState
  private var steps: StepRunner
  private var waits = WaitShares()
  private let timeline: TimelineRecorder?
  /// In the first rank.
  private let stopNotice: StopNotice?

  /// Builds the network and opens the run.
  /// - Parameters:
  ///   - settings: Every setting.
  ///   - safeguards: The supervision of the run.
  ///   - dataset: The images.
  ///   - placement: Which ranks have which towers.
  ///   - parallelism: How the ranks share the work.
  ///   - world: All ranks.
  ///   - run: The run's folder, which exists.
  ///   - folder: The same, as the ranks have it.
  ///   - lock: The lock on it, in the first rank.
  ///   - checkpoint: The checkpoint to resume from; nil for a new run.
  ///   - load: Fills a new run's network with the weights of a file; nil if all layers start with
  ///     their initial values.
  ///   - threads: The number of threads of this process.
  ///   - provenance: By which program the run is trained, where and how.
  ///   - said: What was said before, for the log.
  ///   - timeline: The steps to record; nil for none.
  /// - Throws: `Failure` if the settings, the dataset or the checkpoint do not fit together.
  package init(
    settings: TrainingSettings, safeguards: Safeguards, dataset: Dataset, placement: Placement,
    parallelism: Parallelism = Parallelism(), world: Communicator, run: RunDirectory,
    folder: RunFolder, lock: RunLock?, resuming checkpoint: SafetensorsFile?,
    startingFrom load: ((Network) throws -> StartingPoint)?, threads: Int,
    provenance: Provenance, said: [String] = [],
    timeline: TimelineChoice? = nil
  ) throws {
    self.settings = settings
    self.safeguards = safeguards
    self.dataset = dataset
    self.parallelism = parallelism
    self.world = world
    self.folder = folder
    let recipe = settings.recipe
    Activity.begin("building the network")
    network = try Network(settings, for: dataset, placement, parallelism)
    let start = try TrainingStart(
      network, settings, dataset, resuming: checkpoint, startingFrom: load)
    (state, preprocessing) = (start.state, start.preprocessing)
    let mayGoBack = safeguards.divergence != .stop
    if checkpoint != nil, mayGoBack, state.rollbackStep == nil { state.rollbackStep = state.step }
    Activity.begin("opening the run's files")
    let isFirst = placement.isFirst
    let held = isFirst ? folder.held : nil
    journal = try RunJournal(in: held, keeping: state.records)
    plan = RunPlan(
      settings, images: dataset.count(.train), validates: dataset.count(.validation) > 0,
      mayGoBack: mayGoBack)
    if let held {
      // A start that trains nothing leaves the record of those that did.
      let name = RunDirectory.Name.configuration
      if checkpoint == nil || !plan.isAtEnd(state)
        || FileStatus(held.path(of: name)) == nil
      {
        try TextFile.write(settings.json, to: name, in: held)
      }
      // Half a line of a start that a full disk stopped would spoil this one.
      try TextFile(
        appendingTo: RunDirectory.Name.provenance, in: held, keepingRecords: .max
      ).append(provenance.json)
    }
    for line in provenance.sentences + said { try journal.log(line) }
    remedies = Remedies(
      recipe, network: settings.network.name, isFineTuned: settings.fineTuning != nil)
    remedies.rateFactor = state.rollbacks?.rateFactor ?? 1
    chance = Chance(
      training: dataset.counts(.train).map { recipe.balance == nil ? $0 : min(1, $0) },
      validation: dataset.counts(.validation), smoothing: recipe.labelSmoothing ?? 0)
    observer = try RunObserver(
      network, over: placement.all, remedies: remedies,
      tensorBoard: settings.tensorboard == true ? run.tensorBoard : nil, firstStep: state.step)
    let files = journal.files + observer.files
    keeper = lock.map { RunKeeper($0, files: files, settings: settings.json) }
    let (done, last) = (state.step, plan.lastStep)
    self.timeline = try timeline.map {
      try TimelineRecorder($0, placement, over: world, done: done, last: last)
    }
    checkpoints = try CheckpointStore(
      run, folder, keeper, network: network, settings: settings,
      preprocessing: preprocessing, provenance: provenance, journal: journal,
      newest: checkpoint == nil ? nil : state)
    meeting = StepMeeting(
      network, world, endTime: safeguards.endTime, keeper, journal, checkpoints)
    stepLog = StepLog(settings, plan, journal, observer, chance, remedies)
    validationLog = ValidationLog(journal: journal, observer: observer)
    validator = Validator(
      dataset, preprocessing, side: settings.network.inputSide, batchSize: recipe.partSize,
      threads: threads, damagedRecords: settings.damagedRecords)
    team = ThreadTeam(count: threads)
    steps = try StepRunner(
      network, settings, from: state, dataset, preprocessing, team: team,
      faults: safeguards.faultsDue(inRank: world.rank))
    try journal.say(
      checkpoint == nil
        ? "Training \(settings.network.name) on "
          + "\(counted(dataset.count(.train), "image", "images")) of "
          + "\(counted(settings.network.classes, "class", "classes")): "
          + counted(plan.lastStep, "step", "steps") + " of \(recipe.batchSize)."
        : plan.beginning(at: state))
    try journal.say(recipe.text)
    for notice in start.notices { try journal.say(notice) }
    stopNotice = isFirst ? StopNotice(run) : nil
    let notices =
      [dataset.enlargingNotice, plan.warmUpNotice].compactMap(\.self)
      + dataset.scarcityNotices(batchSize: recipe.batchSize)
    if checkpoint == nil {
      for notice in notices { try journal.say("Warning: \(notice)") }
    }
  }

  /// Trains to the end of the run, or until it is asked to stop.
  /// - Throws: `Failure` if a file cannot be read or written or the numbers diverge, `MPIError` if
  ///   a message fails.
  package func train() throws -> TrainingResult {
    defer { stopNotice?.stop() }
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
      if plan.isTimeToValidate(state) {
        guard try validate() else { continue }
      }
      if news.request == .save || plan.isTimeToSave(state, saved: checkpoints.newest) {
        // Requests from here on are for the next step.
        if news.request == .save { StopSignals.noteSaved() }
        try checkpoints.begin(stateToSave())
        if news.request == .save { try journal.say("Saving step \(state.step), as requested.") }
      }
      if plan.isAtEnd(state) { break }
      nonFinite = try step()
    }
    try checkpoints.finish()
    try say(timeline?.finish())
    try journal.say(
      String(
        format: "Training waited for checkpoints for %.1f s, %.1f %% of the time.",
        checkpoints.secondsWaited,
        100 * checkpoints.secondsWaited / max(1e-9, MonotonicClock.seconds - start)))
    return TrainingResult(
      steps: state.step, top1Error: state.validation?.top1Error, best: state.best,
      isUnfinished: false, reason: reason)
  }

  private func agree(nonFinite: Int? = nil) throws -> StepAgreement.News {
    try meeting.agree(nonFinite: nonFinite, secondsPerStep: stepLog.secondsPerStep)
  }

  /// The state with everything in it that a checkpoint carries.
  private func stateToSave() -> TrainingState {
    state.records = journal.records
    if plan.isScheduledSave(state) { state.rollbackStep = state.step }
    return state
  }

  // MARK: Steps and validations

  /// - Returns: The place of the first own parameter that is no longer finite.
  private func step() throws -> Int? {
    let (rate, epoch) = (plan.learningRate(state), plan.epoch(after: state.step))
    try stepLog.noteEpoch(epoch, after: state.step)
    try timeline?.begin(step: state.step + 1)
    let outcome = try steps.run(
      step: state.step, learningRate: rate, rateFactor: plan.rateFactor(state), epoch: epoch)
    try say(timeline?.end(step: state.step + 1))
    // Where no update has been made, a large loss is no explosion.
    let isExploded = state.step > 0 && chance.isExploded(loss: outcome.loss)
    guard outcome.loss.isFinite, !isExploded else {
      try recover(
        from: Divergence(network, world).sentence(
          loss: outcome.loss, "loss of step \(state.step + 1)"))
      return nil
    }
    state.step += 1
    var stall = state.stall ?? Stall()
    stall.note(loss: outcome.loss, chance)
    state.stall = stall
    try stepLog.noteSkipped(outcome.skipped)
    if state.step % parallelism.checkEvery == 0 {
      try network.compareReplicas(step: state.step)
    }
    try stepLog.note(outcome, step: state.step, learningRate: rate, stall)
    try endIfStalled()
    return outcome.nonFinite
  }

  private func say(_ sentence: String?) throws {
    if let sentence { try journal.say(sentence) }
  }

  /// Measures the network on the validation images.
  /// - Returns: Whether it came to its end; not where the run is asked to stop, or goes back to an
  ///   earlier step.
  private func validate() throws -> Bool {
    try noteHealth()
    try endIfStalled()
    let start = MonotonicClock.seconds
    let (score, leftOut) = try validator.score(network) { done in
      try journal.progress { "Validating: \(done) of \(validator.imageCount) images" }
      return try agree().request < .saveAndLeave
    }
    guard let score else { return false }
    let record = ValidationRecord(
      score, step: state.step, epoch: plan.epochs(after: state.step),
      seconds: MonotonicClock.seconds - start)
    guard record.loss.isFinite, !chance.isExploded(loss: record.loss) else {
      try recover(
        from: Divergence(network, world).sentence(
          loss: record.loss, "validation loss after step \(state.step)"))
      return false
    }
    state.note(TrainingState.Validation(step: state.step, top1Error: record.top1Error))
    try validationLog.note(
      record, score, leftOut: leftOut, of: validator.imageCount,
      shares: waits.compared(over: world))
    guard plan.countsValidation(after: state.step) else { return true }
    let rate = plan.learningRate(state)
    if state.schedule.note(
      error: record.top1Error, settings.recipe.schedule,
      isAtChance: chance.holds(error: record.top1Error))
    {
      try journal.say(
        "The validation error has stopped improving: the learning rate falls from "
          + "\(plain(rate, digits: 4)) to \(plain(plan.learningRate(state), digits: 4)).")
    }
    return true
  }

  /// Looks at the layers before a validation.
  private func noteHealth() throws {
    guard let layers = try validationLog.noteHealth(step: state.step) else { return }
    var stall = state.stall ?? Stall()
    stall.note(layers, step: state.step)
    state.stall = stall
  }

  /// What is said of a run that does not learn, where it has not for so many times the steps after
  /// which it is warned of.
  private func stallSentence(times: Int) -> String? {
    let patience = chance.patience(batchSize: settings.recipe.batchSize)
    return state.stall?.sentence(after: safeguards.stallSteps ?? times * patience, chance)
  }

  /// Ends a run that does not learn, where that was asked for.
  private func endIfStalled() throws {
    guard safeguards.stopsOnStall,
      let sentence = stallSentence(times: Safeguards.stallTimes)
    else { return }
    try checkpoints.finish()
    throw Failure(
      .diverged,
      "\(sentence). Stopped after step \(state.step), as --on-stall stop asks; start again with "
        + "another --learning-rate than \(plain(remedies.learningRate, digits: 4)).")
  }

  /// Why the run has come to its end.
  private var reason: String {
    let why =
      plan.isAtLastPlateau(state)
      ? "The validation error had stopped improving at the smallest learning rate"
        + (state.step < plan.lastStep ? ", so the run ended before step \(plan.lastStep)." : ".")
      : plan.lastStep == settings.maxSteps
        ? "That is the limit on the number of steps."
        : settings.recipe.epochs == 1
          ? "The epoch is done." : "All \(settings.recipe.epochs) epochs are done."
    return why + (stallSentence(times: 1).map { " \($0)." } ?? "")
  }

  // MARK: Leaving before the end, and going back

  /// Saves where that is possible, and says so.
  private func leave(_ news: StepAgreement.News) throws -> TrainingResult {
    stopNotice?.stop()
    let fits = try meeting.canSave(news)
    if fits {
      if plan.isTimeToValidate(state) { try noteHealth() }
      if !plan.isSaved(state, in: checkpoints.newest) && state.step > 0 {
        try checkpoints.begin(stateToSave())
      }
      try checkpoints.finish()
    }
    try say(timeline?.finish())
    if let keeper, keeper.isMoved {
      throw keeper.ending(saved: checkpoints.newest?.step)
    }
    try journal.say(
      state.step == 0
        ? "Stopped before the first step; there is nothing to save."
        : fits
          ? "Saved step \(state.step) of \(plan.lastStep) and stopped; continue with --resume."
          : "Stopped after step \(state.step) of \(plan.lastStep) without saving it, because the "
            + "process is about to be killed; continue with --resume from the previous checkpoint.")
    return TrainingResult(
      steps: state.step, top1Error: state.validation?.top1Error, best: state.best,
      isUnfinished: true, reason: "")
  }

  /// Goes back to the last checkpoint that the schedule made, with half the learning rate, where
  /// that was asked for.
  /// - Throws: `Failure` (diverged) where it was not, or was done too often, or the checkpoint is
  ///   not there any more.
  private func recover(from sentence: String) throws {
    try checkpoints.finish()
    let (step, rollbacks, most) = try safeguards.rollback(
      state, sentence, learningRate: remedies.learningRate,
      hasCheckpoint: checkpoints.newest != nil)
    // The first rank gives the file its name.
    try Activity.waiting(for: "the checkpoint to go back to") { try world.barrier() }
    let diverged = state.step
    let file: SafetensorsFile
    do {
      file = try folder.open(CheckpointName.checkpoint(afterSteps: step))
    } catch let failure as Failure {
      throw Failure(
        .diverged,
        "\(sentence), and the checkpoint to roll back to cannot be read: \(failure.message)")
    }
    state = try Checkpoint.describe(file).state
    try Checkpoint.load(file, into: network)
    try checkpoints.goBack(to: state)
    (state.rollbackStep, state.rollbacks) = (step, rollbacks)
    remedies.rateFactor = rollbacks.rateFactor
    try journal.cut(toRecords: state.records)
    try observer.goBack(to: state.step)
    steps = try StepRunner(
      network, settings, from: state, dataset, preprocessing, team: team,
      faults: safeguards.faultsDue(inRank: world.rank))
    try journal.say(
      "\(sentence): rolled back from step \(diverged) to step \(state.step) with the learning rate "
        + "\(plain(plan.learningRate(state), digits: 4)) (\(rollbacks.count) of at most \(most) times)."
    )
  }
}
