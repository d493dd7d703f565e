import Glibc
package import System

/// A fault that a test asks for: at a step and a phase, in one rank.
///
/// Written `ACTION,rank=R,step=S,phase=WORDS`: in rank R, in the first phase after S steps whose name begins with
/// WORDS. Only the hidden option `--inject` brings one about.
package struct Fault: Sendable {
  /// What happens.
  package enum Action: Sendable, Equatable {
    /// A signal to the own process, SIGKILL say.
    case signal(Int32)
    /// An error.
    case error
    /// Nothing, for so long.
    case sleep(Double)
    /// A gradient is made not a number.
    case spoil
    /// A bit of a weight is turned after the update, as damaged memory would.
    case turn
    /// A trap of the Swift program.
    case trap
    /// The end of the process without a word to MPI.
    case exit
  }

  /// What happens.
  package let action: Action
  private let rank: Int
  private let step: Int
  private let phase: String

  private static let signals = [
    "kill": SIGKILL, "stop": SIGSTOP, "segv": SIGSEGV, "abort": SIGABRT, "usr1": SIGUSR1,
    "usr2": SIGUSR2, "term": SIGTERM,
  ]

  /// Reads a fault.
  /// - Throws: `Failure` (usage) if it is not understood.
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
        throw Failure(.usage, "--inject knows no fault \(quoted(word)).")
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

  /// Brings a fault about when its phase comes; those that are errors or numbers are asked for by `isDue`.
  package func arm(rank: Int) {
    guard rank == self.rank, ![.error, .spoil, .turn].contains(action) else { return }
    let fault = self
    Activity.observe { report in
      guard report.step ?? 0 == fault.step, report.phase.hasPrefix(fault.phase) else { return }
      switch fault.action {
      case .signal(let number):
        Activity.observe(nil)
        kill(getpid(), number)
        // Open MPI's handler returns from a signal that was sent; the fault itself would come again.
        if number == SIGSEGV || number == SIGABRT { kill(getpid(), number) }
      case .sleep(let seconds):
        Activity.observe(nil)
        usleep(UInt32(seconds * 1e6))
      case .exit: _exit(0)
      case .trap: fatalError("injected")
      case .error, .spoil, .turn: break
      }
    }
  }
}
