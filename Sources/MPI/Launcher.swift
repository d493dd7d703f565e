import COpenMPI
import Glibc
import System

/// The process that started this rank.
package enum Launcher {
  private static let names: Set<String> = ["mpirun", "orterun", "orted", "prterun", "prted"]

  /// Whether it is Open MPI (mpirun, or its daemon on another host), which forwards signals and
  /// ends ranks.
  package static let isOpenMPI =
    SystemText.lines(of: "/proc/\(getppid())/comm").first.map(names.contains) ?? false

  /// Its process id.
  package static let process: Int32 = getppid()

  /// Whether it has died: an orphaned process gets another parent.
  package static var isGone: Bool { isOpenMPI && getppid() != process }

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
    // Computed now: a signal handler must not allocate.
    _ = (killTimeout, process)
    var action = sigaction()
    action.__sigaction_handler.sa_handler = { number in
      Launcher.killLater()
      raise(number)
    }
    action.sa_flags = Int32(bitPattern: UInt32(SA_RESETHAND)) | SA_NODEFER
    sigaction(SIGTERM, &action, nil)
  }
}
