import Checkpoints
import Data
import Foundation
import ModelParallel
import Networks
import Supervision
import System
import Towers

/// A training step and its records.
extension Trainer {
  /// Makes the runner for the steps after a state.
  static func runner(
    _ network: Network, _ settings: TrainingSettings, _ state: TrainingState, _ dataset: Dataset,
    _ preprocessing: Preprocessing, team: ThreadTeam, threads: Int, _ safeguards: Safeguards,
    rank: Int
  ) throws -> StepRunner {
    var recipe = settings.recipe
    recipe.learningRate *= state.rollbacks?.rateFactor ?? 1
    return StepRunner(
      network,
      loader: try BatchLoader(
        dataset: dataset, split: .train, order: .shuffled, augmentation: recipe.augmentation,
        inputSide: settings.network.inputSide, batchSize: recipe.batchSize,
        positions: network.placement.images(of: recipe.batchSize), firstStep: state.step,
        seed: settings.seed, threads: threads,
        damagedRecords: settings.skipsCorrupt == true ? .skip : .stop,
        mean: preprocessing.mean, finish: preprocessing.adapt,
        group: try SharedLoading.group(
          network.placement.group, images: network.placement.images(of: recipe.batchSize).count,
          inputSide: settings.network.inputSide)),
      rule: SGD(
        recipe, factors: settings.fineTuning?.factors(in: settings.network) ?? [:],
        schedules: recipe.layerRates(in: settings.network)),
      team: team, batchSize: recipe.batchSize,
      comparesRecords: settings.skipsCorrupt == true,
      faults: { step in safeguards.faults.filter { $0.isDue(rank: rank, step: step) } })
  }

  /// - Returns: The index of this rank's first parameter that is no longer finite.
  func step() throws -> Int? {
    let (rate, epoch) = (learningRate, plan.epoch(after: state.step))
    try sayChanges(from: state.step > 0 ? plan.epoch(after: state.step - 1) : 1, to: epoch)
    let outcome = try steps.run(step: state.step, learningRate: rate, epoch: epoch)
    guard outcome.loss.isFinite else {
      try recover(
        from: Divergence(network, world).sentence(
          loss: outcome.loss, "loss of step \(state.step + 1)"))
      return nil
    }
    state.step += 1
    try noteSkipped(outcome.skipped)
    if state.step % parallelism.checkEvery == 0 {
      try network.compareReplicas(step: state.step)
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
    return outcome.nonFinite
  }

  /// Reports records that --skip-corrupt has skipped.
  private func noteSkipped(_ records: (count: Int, first: Failure?)) throws {
    guard let first = records.first else { return }
    skipped += records.count
    try journal.say("Warning: \(first.message) Damaged records skipped so far: \(skipped).")
  }

  /// Reports what the recipe changes at the beginning of an epoch.
  private func sayChanges(from last: Int, to epoch: Int) throws {
    guard last < epoch else { return }
    for epoch in (last + 1)...epoch {
      let changes = settings.recipe.changes(inEpoch: epoch)
      guard !changes.isEmpty else { continue }
      try journal.say("Epoch \(epoch) begins: \(changes.joined(separator: "; ")).")
    }
  }

  private func progressLine(_ record: StepRecord) -> String {
    let left = Double(plan.lastStep - record.step) * speed.secondsPerStep
    return String(
      format: "step %d/%d  epochs done %.2f  loss %.4f  error %.1f %%  lr %@  %.1f images/s  "
        + "exchange %.1f %%  data wait %.1f %%  %@ left",
      record.step, plan.lastStep, record.epoch, record.loss, record.trainingError,
      plain(record.learningRate), speed.imagesPerSecond, speed.exchangeShare, speed.waitShare,
      spoken(seconds: left))
  }
}

extension ParallelSoftmax.Score {
  /// A number of images in percent.
  func percent(_ count: Int) -> Double { 100 * Double(count) / Double(max(1, images)) }
}
