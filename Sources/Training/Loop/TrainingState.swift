/// What goes on with a run besides weights and velocity: with the settings it is all there is, since random
/// numbers are counted, not drawn.
public struct TrainingState: Codable, Equatable, Sendable {
  /// Steps done.
  public var step: Int
  /// Where the learning rate is in its schedule.
  public var schedule: ScheduleState
  /// Lines of metrics.jsonl that belong to these steps.
  public var records: Int
  /// The newest validation.
  public var validation: Validation?
  /// The validation with the lowest error so far.
  public var best: Validation?
  /// How often the run went back because its numbers diverged; nil for never.
  public var rollbacks: Rollbacks?
  /// The steps of the checkpoint that the run goes back to if it diverges: the newest that the schedule made, this one
  /// included; nil before the first, and in files of older programs.
  ///
  /// One that a signal or a time limit asked for is none, since asking must not change what is learned.
  public var rollbackStep: Int?

  /// What a checkpoint remembers of divergences.
  public struct Rollbacks: Codable, Equatable, Sendable {
    /// How many there were.
    public var count: Int
    /// What they have left of every learning rate.
    public var rateFactor: Double
  }

  /// What a checkpoint remembers of a validation.
  public struct Validation: Codable, Equatable, Sendable {
    /// Steps that were done.
    public let step: Int
    /// Percent of the images whose true class was not the most probable.
    public let top1Error: Double
  }

  /// Takes note of a validation.
  mutating func note(_ new: Validation) {
    validation = new
    if new.top1Error < best?.top1Error ?? .infinity { best = new }
  }

  /// The state before the first step.
  public init() {
    step = 0
    schedule = ScheduleState()
    records = 0
  }
}
