import CMPI
import Glibc
import System

/// The process that started this rank.
package enum Launcher {
  /// Open MPI's launcher (mpirun under any name, or its daemon on another host), which forwards
  /// signals and ends ranks; nil where something else has started this rank.
  private static let ancestor: JobHolder? = JobHolder.find { name in
    getenv(name).map { String(cString: $0) }
  }

  private static let isOpenMPI = ancestor != nil

  /// Its process id.
  private static let process: Int32 = ancestor?.process ?? getppid()

  /// A file that tells when it has ended.
  private static let watched = alexnet_watch(process)

  /// Reads what is asked for in signals' handlers, which must not allocate.
  package static func prepareForHandlers() { _ = (isOpenMPI, killTimeout, process, watched) }

  /// The program between the launcher and this rank, such as a script, which a signal ends before
  /// this rank has saved; nil if there is none.
  package static var wrapper: String? { ancestor?.wrapper }

  /// What an environment sets for MPI, as `name=value`, but for what the launcher sets itself.
  package static func settings(in environment: [String: String]) -> [String] {
    environment
      .filter { $0.key.hasPrefix(prefix) && !LaunchOptions.isInternal(variable: $0.key) }
      .map { "\($0.key.dropFirst(prefix.count))=\($0.value)" }.sorted()
  }

  private static let prefix = "OMPI_MCA_"

  /// Whether it has died.
  package static var isGone: Bool {
    guard isOpenMPI else { return false }
    return watched >= 0 ? alexnet_has_ended(watched) != 0 : kill(process, 0) != 0
  }

  // MARK: How it ends a job

  /// What it sends its ranks first where a user ends the job, and where a rank has aborted.
  ///
  /// SIGTERM follows after `killTimeout`, and SIGKILL after as long again; where a rank has
  /// aborted, SIGTERM follows within `abortDelay`. A shell's `fg` and Slurm's resume send this
  /// signal too.
  package static let notice = SIGCONT

  /// Seconds between the notice and SIGTERM that tell a rank's abort from a user's wish.
  package static let abortDelay = 0.3

  /// Whether it has sent a signal, by the signal's sender.
  package static func isSender(_ sender: Int32) -> Bool { isOpenMPI && sender == process }

  /// Seconds between a SIGTERM and SIGKILL: after its own, after somebody else's, and where it is
  /// Slurm's srun (KillWait).
  package static func grace(afterItsOwn: Bool) -> Double {
    afterItsOwn ? killTimeout : isOpenMPI ? 2 * killTimeout : 30
  }

  /// The seconds that Open MPI gives its ranks after SIGCONT, and again after SIGTERM, before it
  /// kills them.
  ///
  /// mpirun's parameter `odls_base_sigkill_timeout`; the default is one second.
  package static let killTimeout: Double = {
    guard let text = getenv("OMPI_MCA_odls_base_sigkill_timeout") else { return 1 }
    return max(1, Double(String(cString: text)) ?? 1)
  }()

  /// Ends the job when MPI cannot, because the network is cut: the second SIGTERM ends mpirun and
  /// its daemons at once.
  package static func end() {
    for _ in 0..<2 {
      // The parent of an orphaned process is init, which must not get a signal.
      guard isOpenMPI, !isGone else { return }
      kill(process, SIGTERM)
      usleep(300_000)
    }
  }

  /// Has the launcher killed if it still exists after half a minute, whatever happens to this rank.
  ///
  /// When mpirun ends a job, it waits for its daemons, which behind a dead cable takes a quarter of
  /// an hour.
  ///
  /// The delay is many times what ending a job takes, and grows with the time that Open MPI gives
  /// its ranks.
  package static func killLater() {
    guard isOpenMPI, !isGone else { return }
    alexnet_kill_launcher_later(process, Int32(1000 * (28 + 2 * min(killTimeout, 3600))))
  }

  /// From now on SIGTERM, with which Open MPI ends its ranks, calls `killLater` before it ends this
  /// process.
  ///
  /// For programs without anything to save.
  package static func killLaterAtTermination() {
    guard isOpenMPI else { return }
    prepareForHandlers()
    var action = sigaction()
    action.__sigaction_handler.sa_handler = { number in
      Launcher.killLater()
      raise(number)
    }
    action.sa_flags = Int32(bitPattern: UInt32(SA_RESETHAND)) | SA_NODEFER
    sigaction(SIGTERM, &action, nil)
  }
}
