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

  /// What a checkpoint remembers of a validation.
  public struct Validation: Codable, Equatable, Sendable {
    /// Steps that were done.
    public let step: Int
    /// Percent of the images whose true class was not the most probable.
    public let top1Error: Double
  }

  /// The state before the first step.
  public init() {
    step = 0
    schedule = ScheduleState()
    records = 0
  }
}
