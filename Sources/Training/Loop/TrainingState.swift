/// The state of a run besides weights and velocities.
///
/// Together with the settings it is complete, since random numbers are computed from counters.
package struct TrainingState: Codable, Equatable, Sendable {
  /// Steps done.
  package var step: Int
  /// The state of the learning-rate schedule.
  package var schedule: ScheduleState
  /// How long nothing has been learnt; nil in files of older programs.
  package var stall: Stall?
  /// The number of lines in metrics.jsonl that belong to these steps.
  package var records: Int
  /// The newest validation.
  package var validation: Validation?
  /// The validation with the lowest error so far.
  package var best: Validation?
  /// The rollbacks after divergence; nil if there were none.
  package var rollbacks: Rollbacks?
  /// The steps of the checkpoint that the run goes back to if it diverges: the newest that the
  /// schedule made, this one included.
  ///
  /// Nil before the first, and in files of older programs.
  ///
  /// A checkpoint requested by a signal or a time limit does not count, since a request must not
  /// change the result.
  package var rollbackStep: Int?

  /// The rollbacks so far.
  package struct Rollbacks: Codable, Equatable, Sendable {
    /// How many there were.
    package var count: Int
    /// The factor by which they have reduced every learning rate.
    package var rateFactor: Double

    /// Remembers so many, and what they have left.
    package init(count: Int, rateFactor: Double) {
      (self.count, self.rateFactor) = (count, rateFactor)
    }
  }

  /// A validation's result.
  package struct Validation: Codable, Equatable, Sendable {
    /// The number of steps done.
    package let step: Int
    /// The top-1 error in percent.
    package let top1Error: Double

    /// Remembers what was measured after so many steps.
    package init(step: Int, top1Error: Double) {
      (self.step, self.top1Error) = (step, top1Error)
    }
  }

  /// Records a validation.
  mutating func note(_ new: Validation) {
    validation = new
    if new.top1Error < best?.top1Error ?? .infinity { best = new }
  }

  /// The state before the first step.
  package init() {
    step = 0
    schedule = ScheduleState()
    records = 0
  }
}
