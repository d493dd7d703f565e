import Glibc
package import System

/// A fault requested by a test, in one rank at a given step and phase.
///
/// Written `ACTION,rank=R,step=S,phase=WORDS`: in rank R, in the first phase after S steps whose
/// name starts with WORDS. Only the hidden option `--inject` causes faults.
package struct Fault: Sendable {
  /// The kinds of faults.
  package enum Action: Sendable, Equatable {
    /// Send this process a signal, for example SIGKILL.
    case signal(Int32)
    /// Throw an error.
    case error
    /// Sleep for this many seconds.
    case sleep(Double)
    /// Set a gradient to NaN.
    case spoil
    /// Flip a bit of a weight after the update, as damaged memory would.
    case turn
    /// Trap, as the Swift runtime does.
    case trap
    /// Exit without finalising MPI.
    case exit
  }

  /// The kind of the fault.
  package let action: Action
  private let rank: Int
  private let step: Int
  private let phase: String

  private static let signals = [
    "kill": SIGKILL, "stop": SIGSTOP, "segv": SIGSEGV, "abort": SIGABRT, "usr1": SIGUSR1,
    "usr2": SIGUSR2, "term": SIGTERM,
  ]

  /// Parses a fault.
  /// - Throws: `Failure` (usage) if it is invalid.
  package init(_ text: String) throws(Failure) {
    var parts = text.split(separator: ",").map(String.init)
    let word = parts.isEmpty ? "" : parts.removeFirst()
    switch word {
    case "error": action = .error
    case "spoil": action = .spoil
    case "turn": action = .turn
    case "trap": action = .trap
    case "exit": action = .exit
    default:
      if let signal = Self.signals[word] {
        action = .signal(signal)
      } else if word.hasPrefix("sleep"), let seconds = Double(word.dropFirst(5)) {
        action = .sleep(seconds)
      } else {
        throw Failure(.usage, "--inject has no fault \(quoted(word)).")
      }
    }
    var (rank, step, phase) = (0, 0, "")
    for part in parts {
      let pair = part.split(separator: "=", maxSplits: 1).map(String.init)
      switch (pair.first, pair.count == 2 ? Int(pair[1]) : nil) {
      case ("rank", .some(let number)): rank = number
      case ("step", .some(let number)): step = number
      case ("phase", _) where pair.count == 2: phase = pair[1]
      default: throw Failure(.usage, "--inject does not understand \(quoted(part)).")
      }
    }
    (self.rank, self.step, self.phase) = (rank, step, phase)
  }

  /// Whether it is due.
  package func isDue(rank: Int, step: Int) -> Bool { self.rank == rank && self.step == step }

  /// Prepares a fault to occur in its phase; errors and bad numbers are checked with `isDue`
  /// instead.
  package func arm(rank: Int) {
    guard rank == self.rank, ![.error, .spoil, .turn].contains(action) else { return }
    let fault = self
    Activity.observe { report in
      guard report.step ?? 0 == fault.step, report.phase.hasPrefix(fault.phase) else { return }
      switch fault.action {
      case .signal(let number):
        Activity.observe(nil)
        kill(getpid(), number)
        // MPI's handler returns from a signal that was sent; the fault itself would come again.
        if number == SIGSEGV || number == SIGABRT { kill(getpid(), number) }
      case .sleep(let seconds):
        Activity.observe(nil)
        // Signals do not shorten it.
        let end = MonotonicClock.seconds + seconds
        while MonotonicClock.seconds < end { usleep(10_000) }
      case .exit: _exit(0)
      case .trap: fatalError("injected")
      case .error, .spoil, .turn: break
      }
    }
  }
}
