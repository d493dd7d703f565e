import AlexNet
import Console
public import Data
import Failures
import Foundation
import Layers
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

/// Trains a network on the ranks of a group: batch, forward, loss, backward, update, and what goes with it.
public final class Trainer {
  private let settings: TrainingSettings
  private let dataset: Dataset
  private let network: Network
  private let validator: Validator
  private let loader: BatchLoader
  private let run: RunDirectory
  private let log: RunLog
  private let metrics: TextFile?
  private let team: ThreadTeam
  private let rule: SGD
  private var watch: StartWatch
  private var state: TrainingState
  private var speed = SpeedMeter()
  private var savedStep: Int

  /// Builds the network and opens the run.
  /// - Parameters:
  ///   - settings: Every setting.
  ///   - dataset: The images.
  ///   - placement: Where the network's towers are.
  ///   - run: The run's folder, which exists.
  ///   - checkpoint: Where to go on from; nil for a new run.
  ///   - threads: Threads of this process.
  /// - Throws: `Failure` where the settings, the dataset or the checkpoint do not fit together.
  public init(
    settings: TrainingSettings, dataset: Dataset, placement: Placement, run: RunDirectory,
    resuming checkpoint: SafetensorsFile?, threads: Int
  ) throws {
    self.settings = settings
    self.dataset = dataset
    self.run = run
    let recipe = settings.recipe
    network = try Network(
      settings.network, placement: placement,
      options: NetworkOptions(
        batchSize: recipe.batchSize, threadsPerTower: settings.threadsPerTower, seed: settings.seed,
        isTrained: true, algorithm: settings.algorithm))
    if let checkpoint {
      state = try Checkpoint.describe(checkpoint).state
      try Checkpoint.load(checkpoint, into: network)
    } else {
      state = TrainingState()
    }
    savedStep = checkpoint == nil ? -1 : state.step
    let isFirst = placement.group.rank == 0
    log = try RunLog(run, speaks: isFirst)
    metrics = isFirst ? try TextFile(appendingTo: run.metrics, keepingLines: state.records) : nil
    if isFirst { try TextFile.write(settings.json, to: run.configuration) }
    team = ThreadTeam(count: threads)
    rule = SGD(recipe)
    watch = StartWatch(classes: settings.network.classes, learningRate: recipe.learningRate)
    validator = Validator(
      dataset, side: settings.network.inputSide, batchSize: recipe.batchSize, threads: threads)
    loader = try BatchLoader(
      dataset: dataset, split: .train, order: .shuffled, augmentation: recipe.augmentation,
      inputSide: settings.network.inputSide, batchSize: recipe.batchSize, firstStep: state.step,
      seed: settings.seed, threads: threads)
  }

  /// Trains to the end of the run.
  /// - Throws: `Failure` where a file cannot be read or written or the loss is not finite, `MPIError` where
  ///   a message fails.
  public func train() throws -> TrainingResult {
    try log.say(
      state.step == 0
        ? "Training \(settings.network.name) on \(dataset.count(.train)) images of "
          + "\(settings.network.classes) classes: \(lastStep) steps of \(settings.recipe.batchSize)."
        : "Going on after step \(state.step) of \(lastStep).")
    while state.step < lastStep && !state.schedule.isFinished {
      try step()
      // Validated first: the last checkpoint knows the error, and a finished run has nothing left to do.
      if isTimeToValidate || state.step == lastStep { try validate() }
      if isTimeToSave { try save() }
    }
    if state.validation?.step != state.step { try validate() }
    if savedStep != state.step { try save() }
    return TrainingResult(steps: state.step, top1Error: state.validation?.top1Error)
  }

  // MARK: One step

  private func step() throws {
    let start = MonotonicClock.seconds
    let (waited, exchanged) = (loader.secondsWaited, exchangeSeconds)
    let batch = try loader.next()
    let pass = Pass(images: batch.count, isTraining: true, step: state.step)
    try network.forward(batch.input, pass)
    let score = try network.softmax.score(network.logits, labels: batch.labels, pass)
    let loss = score.lossSum / Double(score.images)
    guard loss.isFinite else { throw diverged("The loss is \(loss) at step \(state.step + 1)") }
    network.softmax.gradient(
      network.logits, labels: batch.labels, batchSize: settings.recipe.batchSize,
      into: network.lossGradient, pass)
    try network.backward(batch.input, pass)
    let rate = learningRate
    rule.update(network.parameters, learningRate: rate, team: team)
    state.step += 1
    let seconds = MonotonicClock.seconds - start
    let record = StepRecord(
      step: state.step, epoch: epochs, loss: loss,
      trainingError: percent(score.top1Errors, of: score.images), learningRate: rate,
      seconds: seconds, exchangeSeconds: exchangeSeconds - exchanged,
      dataWaitSeconds: loader.secondsWaited - waited)
    try note(record)
    speed.note(record, images: score.images)
    if let warning = watch.note(loss: loss, step: state.step) { try log.say("Warning: " + warning) }
    try log.progress(isLast: state.step == lastStep) { progressLine(record) }
  }

  private func diverged(_ what: String) -> Failure {
    Failure(
      .diverged,
      "\(what); the last checkpoint is untouched. Start again with a smaller --learning-rate than "
        + "\(settings.recipe.learningRate).")
  }

  private var exchangeSeconds: Double {
    network.exchanges.reduce(network.softmax.seconds) { $0 + $1.seconds }
  }

  private var learningRate: Double {
    state.schedule.learningRate(
      initial: settings.recipe.learningRate, settings.recipe.schedule, epoch: epochs)
  }

  // MARK: Where the run is

  /// Epochs done: images seen over images there are.
  private var epochs: Double {
    Double(state.step) * Double(settings.recipe.batchSize) / Double(dataset.count(.train))
  }

  private var lastStep: Int {
    let images = settings.recipe.epochs * dataset.count(.train)
    let steps = (images + settings.recipe.batchSize - 1) / settings.recipe.batchSize
    return min(steps, settings.maxSteps ?? .max)
  }

  private var isTimeToValidate: Bool {
    if let interval = settings.validateEvery { return state.step % interval == 0 }
    let (batch, images) = (settings.recipe.batchSize, dataset.count(.train))
    return state.step * batch / images > (state.step - 1) * batch / images
  }

  private var isTimeToSave: Bool {
    state.validation?.step == state.step
      || settings.checkpointEvery.map { state.step % $0 == 0 } ?? false
  }

  // MARK: Validation and checkpoints

  private func validate() throws {
    guard validator.imageCount > 0 else { return }
    let start = MonotonicClock.seconds
    let score = try validator.score(network) { done in
      try log.progress { "Validating: \(done) of \(validator.imageCount) images" }
    }
    let seconds = MonotonicClock.seconds - start
    let record = ValidationRecord(
      step: state.step, epoch: epochs, loss: score.lossSum / Double(score.images),
      top1Error: percent(score.top1Errors, of: score.images),
      top5Error: percent(score.top5Errors, of: score.images), images: score.images, seconds: seconds
    )
    try note(record)
    state.validation = TrainingState.Validation(step: state.step, top1Error: record.top1Error)
    try log.say(
      String(
        format:
          "Validation after step %d: top-1 error %.2f %% (%d of %d), top-5 error %.2f %% (%d), "
          + "loss %.4f, %.0f images/s", state.step, record.top1Error, score.top1Errors,
        score.images,
        record.top5Error, score.top5Errors, record.loss, Double(score.images) / seconds))
    guard record.loss.isFinite else {
      throw diverged("The validation loss is \(record.loss) after step \(state.step)")
    }
    // A validation at the end of a run that may go on later is not one that the schedule counts.
    guard isTimeToValidate else { return }
    let rate = learningRate
    if state.schedule.note(error: record.top1Error, settings.recipe.schedule) {
      try log.say(
        "The validation error has stopped improving: the learning rate falls from \(rate) to "
          + "\(learningRate).")
    }
  }

  private func save() throws {
    savedStep = state.step
    try Checkpoint.save(
      network, settings: settings, state: state,
      preprocessing: Preprocessing(classNames: dataset.classNames, mean: dataset.mean),
      to: run.checkpoint(afterSteps: state.step))
    if network.placement.group.rank == 0 { run.prune(keeping: settings.keptCheckpoints) }
  }

  // MARK: Telling

  private func note(_ record: some Encodable) throws(Failure) {
    state.records += 1
    try metrics?.append(JSONText.encode(record, isPretty: false))
  }

  private func percent(_ count: Int, of total: Int) -> Double {
    100 * Double(count) / Double(max(1, total))
  }

  private func progressLine(_ record: StepRecord) -> String {
    let left = Double(lastStep - record.step) * speed.secondsPerStep
    return String(
      format: "step %d/%d  epoch %.2f  loss %.4f  error %.1f %%  lr %g  %.1f images/s  "
        + "exchange %.1f %%  data wait %.1f %%  %@ left",
      record.step, lastStep, record.epoch, record.loss, record.trainingError, record.learningRate,
      speed.imagesPerSecond, speed.exchangeShare, speed.waitShare, spoken(seconds: left))
  }
}
