import Foundation
import ModelParallel
import Networks
import System

/// What is told of a run's validations, and of its layers before them.
struct ValidationLog {
  let journal: RunJournal
  let observer: RunObserver

  /// Writes a validation down.
  /// - Parameters:
  ///   - record: What was found.
  ///   - score: The same in counts.
  ///   - leftOut: The damaged images that it is without.
  ///   - imageCount: All validation images.
  ///   - shares: What the ranks have waited since the last one, in a sentence.
  /// - Throws: `Failure` (inputOutput) where it cannot be written.
  func note(
    _ record: ValidationRecord, _ score: ParallelSoftmax.Score,
    leftOut: (count: Int, first: Failure?), of imageCount: Int, shares: String?
  ) throws(Failure) {
    try journal.note(record)
    try observer.note(record)
    try journal.say(
      String(
        format: "Validation after step %d: top-1 error %.2f %% (%d of %d), ", record.step,
        record.top1Error, score.top1Errors, score.images)
        + (NetworkSpecification.hasTop5Error(classes: observer.classes)
          ? String(format: "top-5 error %.2f %% (%d), ", record.top5Error, score.top5Errors) : "")
        + String(
          format: "loss %.4f, %.0f images/s", record.loss, Double(score.images) / record.seconds))
    if let shares { try journal.say(shares) }
    if let first = leftOut.first {
      try journal.say(
        "Warning: \(first.message) \(leftOut.count) of \(imageCount) validation images were left "
          + "out."
      )
    }
  }

  /// Looks at the layers after the step before a validation.
  ///
  /// Done before the validation, and before a stop that puts it off: a resumed run has no gradients
  /// to look at.
  /// - Returns: What was found; nil where there was nothing to look at.
  func noteHealth(step: Int) throws -> [LayerHealth]? {
    guard let health = try observer.look(step: step) else { return nil }
    try journal.note(health.record)
    for sentence in health.sentences { try journal.say("Warning: " + sentence) }
    return health.record.layers
  }
}

extension ValidationRecord {
  /// Of what was found after some steps.
  init(_ score: ParallelSoftmax.Score, step: Int, epoch: Double, seconds: Double) {
    self.init(
      step: step, epoch: epoch, loss: score.lossSum / Double(score.images),
      top1Error: score.percent(score.top1Errors), top5Error: score.percent(score.top5Errors),
      images: score.images, seconds: seconds)
  }
}
