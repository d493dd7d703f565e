import Options
import Supervision
import System
import Training

extension TrainCommand {
  /// How the run is watched over.
  func safeguards(_ arguments: Arguments, start: Double) throws(Failure) -> Safeguards {
    var safeguards = Safeguards()
    safeguards.endTime = try arguments.seconds("max-time").map { start + $0 }
    let most = try arguments.integer("max-rollbacks", in: 1...1000)
    let policy = try arguments.choice("on-divergence", of: ["stop", "rollback"])
    guard most == nil || policy == "rollback" else {
      throw Failure(.usage, "--max-rollbacks goes with --on-divergence rollback.")
    }
    if policy == "rollback" { safeguards.divergence = .rollBack(most: most ?? Self.mostRollbacks) }
    if let grace = try arguments.integer("grace", in: 0...86_400) { StopSignals.setGrace(grace) }
    for text in arguments.strings("inject") { safeguards.faults.append(try Fault(text)) }
    return safeguards
  }

  /// Seconds without progress after which the job ends; nil for no such watch.
  func watchdogLimit(_ arguments: Arguments) throws(Failure) -> Double? {
    try arguments.limit("watchdog", default: Watchdog.defaultLimit)
  }

  static let mostRollbacks = 3

  /// The options about stopping, waiting and diverging.
  static let safeguardOptions = [
    Option(
      "max-time", "TIME", default: "no limit",
      "Save and leave with code 75 before so much time has passed (90s, 30m, 23h, 23:30:00)."),
    Option(
      "watchdog", "SECONDS", default: plain(Watchdog.defaultLimit),
      "End the job, naming who is late, after so long without progress; 0 for never."),
    Option(
      "on-divergence", "WORD", default: "stop",
      "stop, or rollback: go back to the last checkpoint with half the learning rate."),
    Option("max-rollbacks", "N", default: "3", "How often a run may go back."),
    Option(
      "grace", "SECONDS", default: "mpirun's 1 s, srun's 30 s",
      "Time between SIGTERM and SIGKILL, into which a last save must fit."),
    Option("inject", "FAULT", repeats: true, isHidden: true, "A fault, for tests."),
  ]
}
