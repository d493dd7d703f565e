import COpenMPI
import Glibc
import System

/// The process that started this rank.
package enum Launcher {
  private static let names: Set<String> = ["mpirun", "orterun", "orted", "prterun", "prted"]

  /// Whether it is Open MPI's (mpirun, or its daemon on another host), which forwards signals and ends ranks.
  package static let isOpenMPI =
    SystemText.lines(of: "/proc/\(getppid())/comm").first.map(names.contains) ?? false

  /// Its number.
  package static let process: Int32 = getppid()

  /// Whether it has died: a process that loses its parent is given another one.
  package static var isGone: Bool { isOpenMPI && getppid() != process }

  /// Seconds that Open MPI gives its ranks after SIGCONT, and again after SIGTERM, before it kills them.
  ///
  /// mpirun's parameter `odls_base_sigkill_timeout`, by default one second.
  package static let killTimeout: Double = {
    guard let text = getenv("OMPI_MCA_odls_base_sigkill_timeout") else { return 1 }
    return max(1, Double(String(cString: text)) ?? 1)
  }()

  /// Ends the job where MPI cannot, its messages being lost in a cut network: the second SIGTERM ends mpirun and
  /// its daemons at once.
  package static func end() {
    for _ in 0..<2 {
      // The parent of a process that has lost its own is init, which nobody meant.
      guard isOpenMPI, !isGone else { return }
      kill(process, SIGTERM)
      usleep(300_000)
    }
  }

  /// Has it killed in half a minute if it is still there, whatever becomes of this rank: mpirun, told to end a job, waits for
  /// its daemons, and behind a dead cable that is a quarter of an hour.
  ///
  /// The time is many times what the end of a job takes, and grows with what Open MPI gives its ranks.
  package static func killLater() {
    guard isOpenMPI, !isGone else { return }
    alexnet_kill_launcher_later(process, Int32(1000 * (28 + 2 * min(killTimeout, 3600))))
  }

  /// From now on SIGTERM, by which Open MPI ends its ranks, leaves that behind before it ends this process.
  ///
  /// For programs that have nothing to save.
  package static func killLaterAtTermination() {
    guard isOpenMPI else { return }
    // Read now: a handler must not allocate.
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
