import Foundation
import ModelParallel
import Supervision
import System

extension Trainer {
  /// Measures the network on the validation images.
  /// - Returns: Whether it was completed; false if the run is asked to stop, or returns to an
  ///   earlier step.
  func validate() throws -> Bool {
    try noteHealth()
    let start = MonotonicClock.seconds
    let (score, leftOut) = try validator.score(network) { done in
      try journal.progress { "Validating: \(done) of \(validator.imageCount) images" }
      return try agree().request < .saveAndLeave
    }
    guard let score else { return false }
    let record = ValidationRecord(
      step: state.step, epoch: plan.epochs(after: state.step),
      loss: score.lossSum / Double(score.images), top1Error: score.percent(score.top1Errors),
      top5Error: score.percent(score.top5Errors), images: score.images,
      seconds: MonotonicClock.seconds - start)
    guard record.loss.isFinite else {
      try recover(
        from: Divergence(network, world).sentence(
          loss: record.loss, "validation loss after step \(state.step)"))
      return false
    }
    try journal.note(record)
    try observer.note(record)
    state.note(TrainingState.Validation(step: state.step, top1Error: record.top1Error))
    try journal.say(
      String(
        format:
          "Validation after step %d: top-1 error %.2f %% (%d of %d), top-5 error %.2f %% (%d), "
          + "loss %.4f, %.0f images/s", state.step, record.top1Error, score.top1Errors,
        score.images, record.top5Error, score.top5Errors, record.loss,
        Double(score.images) / record.seconds))
    if let shares = try waits.compared(over: world) { try journal.say(shares) }
    if let first = leftOut.first {
      try journal.say(
        "Warning: \(first.message) \(leftOut.count) of \(validator.imageCount) validation images were left out."
      )
    }
    // A validation at the end of a run that may be resumed later does not count for the schedule.
    guard plan.isTimeToValidate(after: state.step) else { return true }
    let rate = learningRate
    if state.schedule.note(error: record.top1Error, settings.recipe.schedule) {
      try journal.say(
        "The validation error has stopped improving: the learning rate falls from \(plain(rate)) to "
          + "\(plain(learningRate)).")
    }
    return true
  }

  /// Measures the layers' health after the step before a validation.
  ///
  /// This is done before the validation, and before a stop that postpones it: a resumed run has no
  /// gradients to measure.
  func noteHealth() throws {
    guard let health = try observer.look(step: state.step) else { return }
    try journal.note(health.record)
    for sentence in health.sentences { try journal.say("Warning: " + sentence) }
  }
}
