/// The result of a run.
package struct TrainingResult: Sendable {
  /// The number of steps done.
  package let steps: Int
  /// The last validation's top-1 error in percent; nil without validation images.
  package let top1Error: Double?
  /// The validation with the lowest top-1 error; nil without validation images.
  package let best: TrainingState.Validation?
  /// Whether steps are left, because the run was asked to stop.
  package let isUnfinished: Bool
  /// Why it ended, in sentences; empty where it was asked to stop.
  package let reason: String
}
