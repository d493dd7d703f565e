package import Supervision

/// How a run is watched over: nothing that its result depends on.
package struct Safeguards: Sendable {
  /// What is done when numbers become infinite or not a number.
  package enum Divergence: Sendable, Equatable {
    /// The run ends.
    case stop
    /// It goes back to the last checkpoint with half the learning rate, at most so often.
    case rollBack(most: Int)
  }

  /// When the run saves and leaves, by the monotonic clock; nil for never.
  package var endTime: Double?
  /// What is done when the numbers diverge.
  package var divergence = Divergence.stop
  /// Faults that a test asked for.
  package var faults: [Fault] = []

  /// No limits.
  package init() {}
}
