package import Supervision

/// Settings for the supervision of a run, which do not change its result.
package struct Safeguards: Sendable {
  /// What to do when numbers become infinite or NaN.
  package enum Divergence: Sendable, Equatable {
    /// End the run.
    case stop
    /// Return to the last checkpoint with half the learning rate, at most `most` times.
    case rollBack(most: Int)
  }

  /// When the run saves and exits, by the monotonic clock; nil for never.
  package var endTime: Double?
  /// What to do when the numbers diverge.
  package var divergence = Divergence.stop
  /// Faults requested by a test.
  package var faults: [Fault] = []

  /// No limits.
  package init() {}
}
