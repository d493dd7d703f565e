import Synchronization

/// What the process's main thread is doing, for observers in other threads.
package enum Activity {
  /// The current activity.
  package struct Report: Sendable {
    /// The number of steps done before this one; nil before the first.
    package var step: Int?
    /// The name of the phase, `reading images`.
    package var phase = "the start"
    /// Whether it is waiting for other ranks.
    package var waitsForRanks = false
    /// The time when it started, by the monotonic clock.
    package var since = MonotonicClock.seconds
    /// Seconds spent so far in phases that depend on other ranks.
    package var secondsForRanks = 0.0
    /// The number of changes so far.
    package var changes = 0
  }

  private static let board = Mutex(Report())
  private static let observer = Mutex<(@Sendable (Report) -> Void)?>(nil)

  /// The current activity.
  package static var current: Report { board.withLock { $0 } }

  /// Records the start of a new phase.
  /// - Parameters:
  ///   - phase: The name of the phase.
  ///   - step: The number of steps done; nil if unchanged.
  ///   - waitsForRanks: Whether it depends on other ranks.
  package static func begin(_ phase: String, step: Int? = nil, waitsForRanks: Bool = false) {
    Timeline.phase(phase)
    change(to: phase, step: step, waitsForRanks: waitsForRanks)
  }

  private static func change(to phase: String, step: Int? = nil, waitsForRanks: Bool) {
    let report = board.withLock { report in
      let now = MonotonicClock.seconds
      if report.waitsForRanks { report.secondsForRanks += now - report.since }
      report.phase = phase
      report.step = step ?? report.step
      report.waitsForRanks = waitsForRanks
      report.since = now
      report.changes += 1
      return report
    }
    if let observer = observer.withLock({ $0 }) { observer(report) }
  }

  /// Records waiting for other ranks during `body`, and returns to the previous phase afterwards.
  package static func waiting<Result, Problem: Error>(
    for phase: String, _ body: () throws(Problem) -> Result
  ) throws(Problem) -> Result {
    let before = current
    change(to: phase, waitsForRanks: true)
    let result = try Timeline.span(phase, .wait, body)
    change(to: before.phase, waitsForRanks: before.waitsForRanks)
    return result
  }

  /// Sets an observer that is called for every change, in the thread that makes it; nil for none.
  package static func observe(_ body: (@Sendable (Report) -> Void)?) {
    observer.withLock { $0 = body }
  }
}
