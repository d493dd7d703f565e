import Foundation
import MPI
import Safetensors
import Supervision
import System

/// Stopping early, and rollback.
extension Trainer {
  /// Exchanges requests and problems with the other ranks.
  func agree(nonFinite: Int? = nil) throws -> StepAgreement.News {
    var own = StepAgreement.News()
    let isTimeUp = world.rank == 0 && safeguards.endTime.map { isTooLate(for: $0) } ?? false
    try keeper?.lookNowAndThen(journal.say)
    let isMoved = keeper?.isMoved ?? false
    own.request = max(StopSignals.current, isTimeUp || isMoved ? .saveAndLeave : .none)
    own.secondsLeft = StopSignals.secondsLeft
    own.isWriting = checkpoints.isWriting
    own.nonFinite = Divergence(network, world).number(ofParameter: nonFinite)
    let news = try agreement.agree(on: own)
    try checkpoints.poll(isWritingAnywhere: news.isWriting)
    return news
  }

  /// Whether another step and a save would end after a given time.
  private func isTooLate(for end: Double) -> Bool {
    MonotonicClock.seconds + speed.secondsPerStep + checkpoints.expectedSeconds > end
  }

  /// Saves if possible, and reports it.
  func leave(_ news: StepAgreement.News) throws -> TrainingResult {
    // All ranks decide alike: the slowest rank's estimate counts.
    let expected = try world.allReduce(1.5 * checkpoints.expectedSeconds, .max)
    let fits = news.request == .saveAndLeave || expected < news.secondsLeft
    if fits {
      if isTimeToValidate { try noteHealth() }
      if !isSaved && state.step > 0 { try checkpoints.begin(stateToSave()) }
      try checkpoints.finish()
    }
    if let keeper, keeper.isMoved {
      throw keeper.ending(saved: checkpoints.newest?.step)
    }
    let saved = fits ? state.step : checkpoints.newest.map(\.step) ?? 0
    try journal.say(
      state.step == 0
        ? "Stopped before the first step; there is nothing to save."
        : fits
          ? "Saved step \(saved) of \(plan.lastStep) and stopped; go on with --resume."
          : "Stopped after step \(state.step) of \(plan.lastStep) without saving it, since the process is about to "
            + "be killed; go on with --resume from the previous checkpoint.")
    return TrainingResult(
      steps: state.step, top1Error: state.validation?.top1Error, isUnfinished: true)
  }

  /// Returns to the last checkpoint that the schedule made, with half the learning rate, if that
  /// was requested.
  /// - Throws: `Failure` (diverged) if it was not requested, was done too often, or the checkpoint
  ///   no longer exists.
  func recover(from sentence: String) throws {
    let (count, factor) = (state.rollbacks?.count ?? 0, (state.rollbacks?.rateFactor ?? 1) / 2)
    try checkpoints.finish()
    guard case .rollBack(let most) = safeguards.divergence, count < most,
      let step = state.rollbackStep
    else {
      let tried = count > 0 ? " after going back \(count == 1 ? "once" : "\(count) times")" : ""
      throw Failure(
        .diverged,
        "\(sentence)\(tried); the last checkpoint is untouched. Start again with a smaller --learning-rate than "
          + "\(plain(settings.recipe.learningRate)), or let the run go back by itself with --on-divergence rollback."
      )
    }
    // The first rank renames the file.
    try Activity.waiting(for: "the checkpoint to go back to") { try world.barrier() }
    let diverged = state.step
    let file: SafetensorsFile
    do throws(Failure) {
      file = try SafetensorsFile(
        opening: CheckpointName.checkpoint(afterSteps: step), in: folder)
    } catch {
      throw Failure(
        .diverged, "\(sentence), and the checkpoint to go back to cannot be read: \(error.message)")
    }
    state = try Checkpoint.describe(file).state
    try Checkpoint.load(file, into: network)
    try checkpoints.goBack(to: state)
    state.rollbackStep = step
    state.rollbacks = TrainingState.Rollbacks(count: count + 1, rateFactor: factor)
    try journal.cut(toRecords: state.records)
    steps = try Self.runner(
      network, settings, state, dataset, preprocessing, team: team, threads: threads, safeguards,
      rank: world.rank)
    try journal.say(
      "\(sentence): back from step \(diverged) to step \(state.step) with the learning rate "
        + "\(plain(learningRate)) (\(count + 1) of at most \(most) times).")
  }
}
