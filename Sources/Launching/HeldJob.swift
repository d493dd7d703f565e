import CScheduling
import Glibc
import MPI
package import System

/// A program that this process has started, and the signals that it is spared.
///
/// The program runs in a process group of its own, so whatever a terminal or a batch system sends
/// comes here first. mpirun would answer Ctrl-C and SIGTERM by ending its ranks within two seconds,
/// which the full network needs for a step, and a hang-up likewise; it passes SIGUSR1 on, at which
/// the ranks save and stop when they are ready. Signals go to the whole group, since a cluster's
/// mpirun may be a script that starts the real one.
package enum HeldJob {
  /// Runs a program and waits for its end.
  /// - Parameters:
  ///   - words: The program, found by the path, and its words.
  ///   - saves: Whether SIGUSR1 makes it save and stop; otherwise it gets signals as they come.
  ///   - output: The files for its output and its standard error; nil for those of this program.
  ///   - say: Tells the user something.
  /// - Returns: Its exit code; 128 and the signal that has ended it.
  /// - Throws: `Failure` (inputMissing) if it cannot be started.
  package static func run(
    _ words: [String], saves: Bool, output: (Int32, Int32)? = nil, say: (String) -> Void
  ) throws(Failure) -> Int32 {
    let awaited = try AwaitedSignals(
      [SIGCHLD, SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGTSTP])
    let process = try start(words, output: output, saves: saves)
    let group = -process
    var (ends, isAsked) = (0, false)
    while true {
      // A signal that mpirun gets before it has started its ranks is lost: it is sent again.
      let signal = awaited.next(within: 2) ?? 0
      var status: Int32 = 0
      if waitpid(process, &status, WNOHANG) == process { return code(status) }
      switch signal {
      case SIGINT, SIGTERM:
        ends += 1
        // mpirun may crash at a second signal, and then its ranks would not be ended in order; they
        // end by themselves, at once, when it is gone.
        let isLast = ends > (saves ? 1 : 2)
        if isLast { say("Ending the ranks at once.") }
        kill(group, isLast ? SIGKILL : saves ? SIGUSR1 : signal)
        guard saves, !isLast else { continue }
        isAsked = true
        let again = signal == SIGINT ? "Ctrl-C" : "the signal"
        say("The ranks save and stop after this step; \(again) again ends them at once.")
      case SIGUSR1:
        isAsked = saves
        kill(group, SIGUSR1)
      case SIGUSR2: kill(group, SIGUSR2)
      case SIGTSTP:
        // mpirun passes this on, and then its opposite.
        kill(group, SIGTSTP)
        kill(getpid(), SIGSTOP)
        kill(group, SIGCONT)
      // The terminal is gone; the work goes on.
      case SIGHUP: continue
      default: if isAsked { kill(group, SIGUSR1) }
      }
    }
  }

  /// Gives a text to a program, which takes it from its standard input.
  /// - Returns: The program's exit code.
  /// - Throws: `Failure` (inputMissing) if it cannot be started, (inputOutput) if it takes no text.
  package static func submit(_ text: String, by program: String) throws(Failure) -> Int32 {
    // Nothing reads a pipe before its end where the text is longer than its buffer: a file without
    // a name serves.
    let file = memfd_create("batch-script", UInt32(alexnet_memfd_cloexec))
    guard file >= 0 else {
      throw .system(.inputOutput, "The batch script cannot be passed on", errno: errno)
    }
    defer { close(file) }
    var text = text
    let code = text.withUTF8 { WholeTransfer.write(UnsafeRawBufferPointer($0), to: file) }
    guard code == 0, lseek(file, 0, SEEK_SET) == 0 else {
      throw .system(
        .inputOutput, "The batch script cannot be passed on", errno: code == 0 ? errno : code)
    }
    let process = try start([program], input: file)
    var status: Int32 = 0
    while waitpid(process, &status, 0) != process {}
    return self.code(status)
  }

  private static func start(
    _ words: [String], input: Int32 = -1, output: (Int32, Int32)? = nil, saves: Bool = false
  ) throws(Failure) -> pid_t {
    let isLauncher = ["mpirun", "mpiexec"].contains(words[0])
    // mpirun would crash.
    if isLauncher { try MPI.Environment.requireHome() }
    var pointers = words.map { strdup($0) }
    defer { for pointer in pointers { free(pointer) } }
    pointers.append(nil)
    let process = alexnet_start(pointers, input, output?.0 ?? -1, output?.1 ?? -1, saves ? 1 : 0)
    guard process < 0 else { return process }
    let remedy =
      switch words[0] {
      case _ where isLauncher:
        "Load the cluster's MPI module ('module load openmpi'), or install Open MPI."
      case "sbatch", "qsub", "scontrol", "qrerun":
        "Start it where the batch system's commands are."
      default: "See that it is there."
      }
    throw .system(
      .inputMissing, "\(quoted(words[0])) cannot be started", errno: -process, remedy: remedy)
  }

  private static func code(_ status: Int32) -> Int32 {
    let signal = status & 0x7F
    return signal == 0 ? status >> 8 & 0xFF : 128 + signal
  }
}
