/// What goes on with a run besides weights and velocity: with the settings it is all there is, since random
/// numbers are counted, not drawn.
package struct TrainingState: Codable, Equatable, Sendable {
  /// Steps done.
  package var step: Int
  /// Where the learning rate is in its schedule.
  package var schedule: ScheduleState
  /// Lines of metrics.jsonl that belong to these steps.
  package var records: Int
  /// The newest validation.
  package var validation: Validation?
  /// The validation with the lowest error so far.
  package var best: Validation?
  /// How often the run went back because its numbers diverged; nil for never.
  package var rollbacks: Rollbacks?
  /// The steps of the checkpoint that the run goes back to if it diverges: the newest that the schedule made, this one
  /// included; nil before the first.
  ///
  /// One that a signal or a time limit asked for is none, since asking must not change what is learned.
  package var rollbackStep: Int?

  /// What a checkpoint remembers of divergences.
  package struct Rollbacks: Codable, Equatable, Sendable {
    /// How many there were.
    package var count: Int
    /// What they have left of every learning rate.
    package var rateFactor: Double

    /// Remembers so many, and what they have left.
    package init(count: Int, rateFactor: Double) {
      (self.count, self.rateFactor) = (count, rateFactor)
    }
  }

  /// What a checkpoint remembers of a validation.
  package struct Validation: Codable, Equatable, Sendable {
    /// Steps that were done.
    package let step: Int
    /// Percent of the images whose true class was not the most probable.
    package let top1Error: Double

    /// Remembers what was measured after so many steps.
    package init(step: Int, top1Error: Double) {
      (self.step, self.top1Error) = (step, top1Error)
    }
  }

  /// Takes note of a validation.
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
