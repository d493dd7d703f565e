import AlexNet
import Console
public import Data
import Failures
import Foundation
import MPI
public import ModelParallel
public import Safetensors
import Threads

/// What a finished run reached.
public struct TrainingResult: Sendable {
  /// Steps done.
  public let steps: Int
  /// The last validation's top-1 error in percent; nil without validation images.
  public let top1Error: Double?
}

/// Trains a network on the ranks of a group: steps, validations, records and checkpoints in their order.
public final class Trainer {
  private let settings: TrainingSettings
  private let network: Network
  private let plan: RunPlan
  private let steps: StepRunner
  private let validator: Validator
  private let journal: RunJournal
  private let checkpoints: CheckpointStore
  private let check: ReplicaCheck
  private let parallelism: Parallelism
  private let observer: RunObserver
  private var state: TrainingState
  private var watch: StartWatch
  private var speed = SpeedMeter()
  /// How often a damaged record was passed over.
  private var skipped = 0

  /// Builds the network and opens the run.
  /// - Parameters:
  ///   - settings: Every setting.
  ///   - dataset: The images.
  ///   - placement: Where the network's towers are.
  ///   - parallelism: How the ranks share the work.
  ///   - run: The run's folder, which exists.
  ///   - checkpoint: Where to go on from; nil for a new run.
  ///   - threads: Threads of this process.
  ///   - tensorBoard: Whether files for TensorBoard are written into the run's folder.
  /// - Throws: `Failure` where the settings, the dataset or the checkpoint do not fit together.
  public init(
    settings: TrainingSettings, dataset: Dataset, placement: Placement,
    parallelism: Parallelism = Parallelism(), run: RunDirectory,
    resuming checkpoint: SafetensorsFile?, threads: Int, tensorBoard: Bool = false
  ) throws {
    self.settings = settings
    let recipe = settings.recipe
    network = try Network(
      settings.network, placement: placement,
      options: NetworkOptions(
        batchSize: recipe.batchSize, threadsPerTower: settings.threadsPerTower, seed: settings.seed,
        isTrained: true, algorithm: settings.algorithm, scheme: parallelism.scheme,
        formats: settings.formats ?? WireFormats()))
    self.parallelism = parallelism
    check = ReplicaCheck(placement)
    let preprocessing: Preprocessing
    if let checkpoint {
      state = try Checkpoint.describe(checkpoint).state
      try Checkpoint.load(checkpoint, into: network)
      preprocessing = try NetworkFile(checkpoint).preprocessing
    } else {
      state = TrainingState()
      preprocessing =
        try settings.fineTuning?.load(into: network, classNames: dataset.classNames)
        ?? Preprocessing(
          classNames: dataset.classNames, mean: dataset.mean,
          meanPlace: recipe.augmentation.meanPlace)
    }
    let isFirst = placement.isFirst
    journal = try RunJournal(run, keeping: state.records, speaks: isFirst)
    if isFirst { try TextFile.write(settings.json, to: run.configuration) }
    observer = try RunObserver(
      network, over: placement.all, images: placement.images(of: recipe.batchSize).count,
      learningRate: recipe.learningRate,
      tensorBoard: tensorBoard ? run.tensorBoard : nil, firstStep: state.step)
    plan = RunPlan(settings, images: dataset.count(.train))
    checkpoints = CheckpointStore(
      run, network: network, settings: settings,
      preprocessing: preprocessing,
      newest: checkpoint == nil ? nil : state.step)
    watch = StartWatch(classes: settings.network.classes, learningRate: recipe.learningRate)
    let damagedRecords: BatchLoader.DamagedRecords = settings.skipsCorrupt ? .skip : .stop
    validator = Validator(
      dataset, preprocessing, side: settings.network.inputSide, batchSize: recipe.batchSize,
      threads: threads,
      damagedRecords: damagedRecords)
    steps = StepRunner(
      network,
      loader: try BatchLoader(
        dataset: dataset, split: .train, order: .shuffled, augmentation: recipe.augmentation,
        inputSide: settings.network.inputSide, batchSize: recipe.batchSize,
        positions: placement.images(of: recipe.batchSize), firstStep: state.step,
        seed: settings.seed, threads: threads, damagedRecords: damagedRecords,
        mean: preprocessing.mean, finish: preprocessing.adapt,
        group: try SharedLoading.group(
          placement.group, images: placement.images(of: recipe.batchSize).count,
          inputSide: settings.network.inputSide)),
      rule: SGD(recipe, factors: settings.fineTuning?.factors(in: settings.network) ?? [:]),
      team: ThreadTeam(count: threads), batchSize: recipe.batchSize,
      comparesRecords: settings.skipsCorrupt)
    try journal.say(
      state.step == 0
        ? "Training \(settings.network.name) on \(dataset.count(.train)) images of "
          + "\(settings.network.classes) classes: \(plan.lastStep) steps of \(recipe.batchSize)."
        : "Going on after step \(state.step) of \(plan.lastStep).")
  }

  /// Trains to the end of the run.
  /// - Throws: `Failure` where a file cannot be read or written or the loss is not finite, `MPIError` where
  ///   a message fails.
  public func train() throws -> TrainingResult {
    while state.step < plan.lastStep && !state.schedule.isFinished {
      try step()
      // Validated first: the last checkpoint knows the error, and a finished run has nothing left to do.
      if plan.isTimeToValidate(after: state.step) || state.step == plan.lastStep { try validate() }
      if plan.isTimeToSave(after: state.step) || state.validation?.step == state.step {
        try save()
      }
    }
    if state.validation?.step != state.step { try validate() }
    if checkpoints.newest != state.step { try save() }
    return TrainingResult(steps: state.step, top1Error: state.validation?.top1Error)
  }

  private func step() throws {
    let rate = plan.learningRate(state)
    let outcome = try steps.run(step: state.step, learningRate: rate)
    guard outcome.loss.isFinite else {
      throw diverged("The loss is \(outcome.loss) at step \(state.step + 1)")
    }
    state.step += 1
    try noteSkipped(outcome.skipped)
    if state.step % parallelism.checkEvery == 0 {
      try check.compare(network.replicatedParameters, step: state.step)
    }
    let record = StepRecord(
      step: state.step, epoch: plan.epochs(after: state.step), loss: outcome.loss,
      trainingError: outcome.score.percent(outcome.score.top1Errors), learningRate: rate,
      seconds: outcome.seconds, exchangeSeconds: outcome.exchangeSeconds,
      dataWaitSeconds: outcome.dataWaitSeconds)
    try journal.note(record)
    try observer.note(record, images: outcome.score.images)
    speed.note(record, images: outcome.score.images)
    if let warning = watch.note(loss: record.loss, step: state.step) {
      try journal.say("Warning: " + warning)
    }
    try journal.progress(isLast: state.step == plan.lastStep) { progressLine(record) }
  }

  /// Tells of records that --skip-corrupt has passed over.
  private func noteSkipped(_ records: (count: Int, first: Failure?)) throws {
    guard let first = records.first else { return }
    skipped += records.count
    try journal.say("Warning: \(first.message) Damaged records skipped so far: \(skipped).")
  }

  private func validate() throws {
    guard validator.imageCount > 0 else { return }
    let health = try observer.look(step: state.step)
    let start = MonotonicClock.seconds
    let (score, leftOut) = try validator.score(network) { done in
      try journal.progress { "Validating: \(done) of \(validator.imageCount) images" }
    }
    let record = ValidationRecord(
      step: state.step, epoch: plan.epochs(after: state.step),
      loss: score.lossSum / Double(score.images), top1Error: score.percent(score.top1Errors),
      top5Error: score.percent(score.top5Errors), images: score.images,
      seconds: MonotonicClock.seconds - start)
    try journal.note(record)
    try observer.note(record)
    if let health {
      try journal.note(health.record)
      for sentence in health.sentences { try journal.say("Warning: " + sentence) }
    }
    state.validation = TrainingState.Validation(step: state.step, top1Error: record.top1Error)
    try journal.say(
      String(
        format:
          "Validation after step %d: top-1 error %.2f %% (%d of %d), top-5 error %.2f %% (%d), "
          + "loss %.4f, %.0f images/s", state.step, record.top1Error, score.top1Errors,
        score.images, record.top5Error, score.top5Errors, record.loss,
        Double(score.images) / record.seconds))
    if let first = leftOut.first {
      try journal.say(
        "Warning: \(first.message) \(leftOut.count) of \(validator.imageCount) validation images were left out."
      )
    }
    guard record.loss.isFinite else {
      throw diverged("The validation loss is \(record.loss) after step \(state.step)")
    }
    // A validation at the end of a run that may go on later is not one that the schedule counts.
    guard plan.isTimeToValidate(after: state.step) else { return }
    let rate = plan.learningRate(state)
    if state.schedule.note(error: record.top1Error, settings.recipe.schedule) {
      try journal.say(
        "The validation error has stopped improving: the learning rate falls from \(rate) to "
          + "\(plan.learningRate(state)).")
    }
  }

  private func save() throws {
    try check.compare(network.replicatedParameters, step: state.step)
    state.records = journal.records
    try checkpoints.save(state)
  }

  private func diverged(_ what: String) -> Failure {
    Failure(
      .diverged,
      "\(what); the last checkpoint is untouched. Start again with a smaller --learning-rate than "
        + "\(settings.recipe.learningRate).")
  }

  private func progressLine(_ record: StepRecord) -> String {
    let left = Double(plan.lastStep - record.step) * speed.secondsPerStep
    return String(
      format: "step %d/%d  epoch %.2f  loss %.4f  error %.1f %%  lr %g  %.1f images/s  "
        + "exchange %.1f %%  data wait %.1f %%  %@ left",
      record.step, plan.lastStep, record.epoch, record.loss, record.trainingError,
      record.learningRate, speed.imagesPerSecond, speed.exchangeShare, speed.waitShare,
      spoken(seconds: left))
  }
}

extension ParallelSoftmax.Score {
  /// A count of the images in percent.
  fileprivate func percent(_ count: Int) -> Double { 100 * Double(count) / Double(max(1, images)) }
}
