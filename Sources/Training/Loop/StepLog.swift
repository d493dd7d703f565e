import Foundation
import ModelParallel
import Networks
import System

/// What is told of a run's steps: records, the line that shows how far it is, warnings.
final class StepLog {
  private let settings: TrainingSettings
  private let plan: RunPlan
  private let journal: RunJournal
  private let observer: RunObserver
  private var watch: StartWatch
  private var speed = SpeedMeter()
  /// How often a damaged record was passed over.
  private var skipped = 0

  init(
    _ settings: TrainingSettings, _ plan: RunPlan, _ journal: RunJournal, _ observer: RunObserver,
    _ chance: Chance, _ remedies: Remedies
  ) {
    self.settings = settings
    self.plan = plan
    self.journal = journal
    self.observer = observer
    watch = StartWatch(chance, settings.recipe, remedies)
  }

  /// Seconds a step, of the last ones.
  var secondsPerStep: Double { speed.secondsPerStep }

  /// Tells what the recipe changes as the epoch begins that the next step is in.
  /// - Parameters:
  ///   - epoch: That of the next step, counted from 1.
  ///   - steps: Steps done before.
  /// - Throws: `Failure` (inputOutput) where it cannot be written.
  func noteEpoch(_ epoch: Int, after steps: Int) throws(Failure) {
    let last = steps > 0 ? plan.epoch(after: steps - 1) : 1
    guard last < epoch else { return }
    for epoch in (last + 1)...epoch {
      let changes = settings.recipe.changes(inEpoch: epoch)
      guard !changes.isEmpty else { continue }
      try journal.say("Epoch \(epoch) begins: \(changes.joined(separator: "; ")).")
    }
  }

  /// Tells of records that --skip-corrupt has passed over.
  func noteSkipped(_ records: (count: Int, first: Failure?)) throws(Failure) {
    guard let first = records.first else { return }
    skipped += records.count
    try journal.say("Warning: \(first.message) Damaged records skipped so far: \(skipped).")
  }

  /// Writes a step down.
  /// - Parameters:
  ///   - outcome: What it found.
  ///   - step: Steps done, this one included.
  ///   - learningRate: The weights' learning rate in it.
  ///   - stall: How long nothing has been learnt.
  /// - Throws: `Failure` (inputOutput) where it cannot be written.
  func note(
    _ outcome: StepOutcome, step: Int, learningRate: Double, _ stall: Stall
  ) throws(Failure) {
    let record = StepRecord(
      step: step, epoch: plan.epochs(after: step), loss: outcome.loss,
      trainingError: outcome.score.percent(outcome.score.top1Errors), learningRate: learningRate,
      seconds: outcome.seconds, exchangeSeconds: outcome.exchangeSeconds,
      dataWaitSeconds: outcome.dataWaitSeconds)
    try journal.note(record)
    try observer.note(record, images: outcome.score.images)
    speed.note(record, images: outcome.score.images)
    if let warning = watch.note(loss: record.loss, step: step, stall) {
      try journal.say("Warning: " + warning)
    }
    try journal.progress(isLast: step == plan.lastStep) { progressLine(record) }
  }

  private func progressLine(_ record: StepRecord) -> String {
    let left = Double(plan.lastStep - record.step) * speed.secondsPerStep
    // What is wanted most comes first: a narrow terminal shows the first parts only.
    return String(
      format: "step %d/%d  %@ left  loss %.4f  error %.1f %%  %.1f images/s  lr %@  "
        + "epochs done %.2f  exchange %.1f %%  data wait %.1f %%",
      record.step, plan.lastStep, spoken(seconds: left), record.loss, record.trainingError,
      speed.imagesPerSecond, plain(record.learningRate, digits: 4), record.epoch,
      speed.exchangeShare,
      speed.waitShare)
  }
}

extension ParallelSoftmax.Score {
  /// A count of the images in percent.
  func percent(_ count: Int) -> Double { 100 * Double(count) / Double(max(1, images)) }
}
