package import Supervision
import System

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
  /// Whether a run that does not learn ends; otherwise it is warned of.
  package var stopsOnStall = false
  /// The steps at chance after which it ends; nil for `stallTimes` times those after which it is
  /// warned of.
  package var stallSteps: Int?
  /// Faults requested by a test.
  package var faults: [Fault] = []

  /// How often a run may go back where nothing else is said.
  package static let mostRollbacks = 3
  /// How many times the steps at chance after which a run is warned of end it.
  static let stallTimes = 5

  /// No limits.
  package init() {}

  /// What becomes of a run whose numbers diverged.
  /// - Parameters:
  ///   - state: Where the run is.
  ///   - sentence: What diverged.
  ///   - learningRate: The rate in force, but for what the schedule does to it.
  ///   - hasCheckpoint: Whether the run has a checkpoint, which is then said to be untouched.
  /// - Returns: The steps of the checkpoint that it goes back to, what is remembered of it, and how
  ///   often it may.
  /// - Throws: `Failure` (diverged) where it does not go back, or did too often.
  func rollback(
    _ state: TrainingState, _ sentence: String, learningRate: Double, hasCheckpoint: Bool
  ) throws(Failure) -> (step: Int, rollbacks: TrainingState.Rollbacks, most: Int) {
    let (count, factor) = (state.rollbacks?.count ?? 0, (state.rollbacks?.rateFactor ?? 1) / 2)
    guard state.step > 0 else {
      // Going back to the start would only do the same again.
      throw Failure(
        .diverged,
        "\(sentence), before any update, so that no learning rate is to blame; look at the "
          + "weights that the run begins with and at how the pictures are scaled.")
    }
    guard case .rollBack(let most) = divergence, count < most, let step = state.rollbackStep else {
      let tried = count > 0 ? " after rolling back \(count == 1 ? "once" : "\(count) times")" : ""
      let other =
        divergence == .stop
        ? ", or let the run roll back automatically with --on-divergence rollback" : ""
      throw Failure(
        .diverged,
        "\(sentence)\(tried)\(hasCheckpoint ? "; the last checkpoint is untouched" : ""). Start again "
          + "with a smaller --learning-rate than \(plain(learningRate, digits: 4))\(other).")
    }
    return (step, TrainingState.Rollbacks(count: count + 1, rateFactor: factor), most)
  }

  /// The faults that a test asked for in a rank, by the step.
  func faultsDue(inRank rank: Int) -> (_ step: Int) -> [Fault] {
    { [faults] step in faults.filter { $0.isDue(rank: rank, step: step) } }
  }
}
