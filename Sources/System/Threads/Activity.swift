import Synchronization

/// What the process's main thread is doing, for whoever watches it from another thread.
package enum Activity {
  /// One entry.
  package struct Report: Sendable {
    /// Steps done before this one; nil before the first.
    package var step: Int?
    /// What is being done, `reading images`.
    package var phase = "the start"
    /// Whether it is waiting for other ranks.
    package var waitsForRanks = false
    /// When it began, by the monotonic clock.
    package var since = MonotonicClock.seconds
    /// Seconds spent so far in what depended on other ranks.
    package var secondsForRanks = 0.0
    /// Changes so far.
    package var changes = 0
  }

  private static let board = Mutex(Report())
  private static let observer = Mutex<(@Sendable (Report) -> Void)?>(nil)

  /// What is being done now.
  package static var current: Report { board.withLock { $0 } }

  /// Notes that something else begins.
  /// - Parameters:
  ///   - phase: What.
  ///   - step: Steps done before; nil if that has not changed.
  ///   - waitsForRanks: Whether it depends on other ranks.
  package static func begin(_ phase: String, step: Int? = nil, waitsForRanks: Bool = false) {
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

  /// Waits for other ranks in `body`, and takes up again what was being done before.
  package static func waiting<Result, Problem: Error>(
    for phase: String, _ body: () throws(Problem) -> Result
  ) throws(Problem) -> Result {
    let before = current
    begin(phase, waitsForRanks: true)
    let result = try body()
    begin(before.phase, waitsForRanks: before.waitsForRanks)
    return result
  }

  /// Has every change told to one observer, in the thread that makes it; nil for none.
  package static func observe(_ body: (@Sendable (Report) -> Void)?) {
    observer.withLock { $0 = body }
  }
}
