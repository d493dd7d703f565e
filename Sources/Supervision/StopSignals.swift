import Glibc
import MPI
import Synchronization
import System

/// The signals that ask a run to stop, as flags that the training loop checks between steps.
///
/// SIGXCPU comes from the system when a rank has used up the processor time of its soft limit
/// (`ulimit -S -t`); at the hard limit it is killed.
///
/// The launcher forwards SIGUSR1 and SIGUSR2 to every rank at once. SIGTERM, SIGINT and SIGHUP it
/// answers by ending the job, of which it gives notice (`Launcher.notice`): the earliest sign of an
/// end, and a reason to save; since others send that signal too, it is none to leave. When another
/// rank has aborted, SIGTERM follows at once: then there is nothing to wait for.
package enum StopSignals {
  private static let request = Atomic<Int64>(0)
  /// The time when the process will be killed, in nanoseconds of the monotonic clock; the largest
  /// number for never.
  private static let killTime = Atomic<Int64>(.max)
  /// A file to remove if the process exits in the handler: the address of an `OwnFile` that is
  /// never freed, or 0.
  private static let fileToRemove = Atomic<UInt>(0)
  /// When the launcher gave notice.
  private static let noticeTime = Atomic<Int64>(0)
  /// Whether the launcher has sent SIGTERM.
  private static let isEnding = Atomic<Bool>(false)
  /// Whether another rank has told the launcher to end the job.
  private static let isNoticed = Atomic<Bool>(false)
  private static let interrupts = Atomic<Int>(0)
  private static let graceSeconds = Atomic<Int64>(-1)

  /// Starts handling signals; before that they end the process.
  package static func install() {
    // Everything that the handler uses is initialised now: a handler must not allocate.
    request.store(0, ordering: .relaxed)
    killTime.store(.max, ordering: .relaxed)
    interrupts.store(0, ordering: .relaxed)
    isEnding.store(false, ordering: .relaxed)
    isNoticed.store(false, ordering: .relaxed)
    noticeTime.store(0, ordering: .relaxed)
    fileToRemove.store(0, ordering: .relaxed)
    graceSeconds.store(-1, ordering: .relaxed)
    Launcher.prepareForHandlers()
    var action = sigaction()
    action.__sigaction_handler.sa_sigaction = { signal, information, _ in
      StopSignals.note(signal, from: information?.pointee._sifields._kill.si_pid ?? 0)
    }
    action.sa_flags = SA_SIGINFO | SA_RESTART
    var all = sigset_t()
    sigemptyset(&all)
    for signal in [SIGUSR1, SIGUSR2, SIGTERM, SIGINT, SIGHUP, SIGXCPU, Launcher.notice] {
      if signal != SIGHUP || !AwaitedSignals.isIgnored(signal) { sigaction(signal, &action, nil) }
      sigaddset(&all, signal)
    }
    // Whoever started the launcher may have had them blocked, which is inherited.
    pthread_sigmask(SIG_UNBLOCK, &all, nil)
    // On a crash, and at SIGQUIT, Swift's runtime would keep the process until its backtrace is
    // printed, which takes many seconds and may never end, while the other ranks wait.
    if getenv("SWIFT_BACKTRACE") == nil {
      for crash in [SIGQUIT, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP] {
        signal(crash, SIG_DFL)
      }
    }
    // A write beyond the file size limit then gives an error instead of killing the process.
    signal(SIGXFSZ, SIG_IGN)
    // Whoever read the output may be gone, the launcher above all; the records are in files.
    signal(SIGPIPE, SIG_IGN)
  }

  /// Sets a file, such as a lock, to remove when a signal ends the process at once.
  package static func remove(atExit file: OwnFile) {
    let place = UnsafeMutablePointer<OwnFile>.allocate(capacity: 1)
    place.initialize(to: file)
    fileToRemove.store(UInt(bitPattern: place), ordering: .relaxed)
  }

  /// From now on, the launcher's first signal ends the process.
  static func leaveAtNotice() { isNoticed.store(true, ordering: .relaxed) }

  /// Sets the seconds between SIGTERM and SIGKILL, which else are known of the launcher.
  package static func setGrace(_ seconds: Int) {
    graceSeconds.store(Int64(seconds), ordering: .relaxed)
  }

  /// The most urgent request so far.
  package static var current: StopRequest {
    StopRequest(rawValue: request.load(ordering: .relaxed)) ?? .none
  }

  /// When the launcher has last given notice that it is ending the job, by the monotonic clock; 0 if
  /// it has not.
  package static var launcherNotice: Double { Double(noticeTime.load(ordering: .relaxed)) * 1e-9 }

  /// Marks a request to save as done.
  package static func noteSaved() {
    _ = request.compareExchange(
      expected: StopRequest.save.rawValue, desired: StopRequest.none.rawValue, ordering: .relaxed)
  }

  /// Seconds until the process is killed; infinite if unknown.
  package static var secondsLeft: Double {
    let time = killTime.load(ordering: .relaxed)
    return time == .max ? .infinity : Double(time) * 1e-9 - MonotonicClock.seconds
  }

  /// Whether the launcher is ending the job and will kill the remaining processes.
  static var launcherIsEnding: Bool { isEnding.load(ordering: .relaxed) }

  private static var nanoseconds: Int64 { Int64(MonotonicClock.seconds * 1e9) }

  private static func raise(to new: StopRequest) {
    request.max(new.rawValue, ordering: .relaxed)
  }

  private static func leave(within seconds: Double) {
    killTime.min(nanoseconds + Int64(seconds * 1e9), ordering: .relaxed)
    raise(to: .leave)
  }

  /// Removes the file that was set, when the process is about to exit.
  static func removeFile() {
    UnsafePointer<OwnFile>(bitPattern: fileToRemove.load(ordering: .relaxed))?.pointee.remove()
  }

  /// Everything called here must be safe in a signal handler.
  static func exitAtOnce(_ signal: Int32) -> Never {
    removeFile()
    Environment.partWithOthers()
    _exit(128 + signal)
  }

  /// The handler: it uses only atomic variables and async-signal-safe calls.
  private static func note(_ signal: Int32, from sender: pid_t) {
    let isFromLauncher = Launcher.isSender(sender)
    if isFromLauncher, isNoticed.load(ordering: .relaxed) { exitAtOnce(SIGTERM) }
    switch signal {
    case SIGUSR1, SIGXCPU: raise(to: .saveAndLeave)
    case SIGUSR2: raise(to: .save)
    case SIGINT:
      if interrupts.add(1, ordering: .relaxed).newValue > 1 { exitAtOnce(SIGINT) }
      raise(to: .saveAndLeave)
    case Launcher.notice:
      guard isFromLauncher else { return }
      noticeTime.store(nanoseconds, ordering: .relaxed)
      raise(to: .save)
    default:
      let sinceNotice = nanoseconds - noticeTime.load(ordering: .relaxed)
      if isFromLauncher && Double(sinceNotice) < 1e9 * Launcher.abortDelay { exitAtOnce(signal) }
      if isFromLauncher { isEnding.store(true, ordering: .relaxed) }
      let grace = graceSeconds.load(ordering: .relaxed)
      leave(within: grace >= 0 ? Double(grace) : Launcher.grace(afterItsOwn: isFromLauncher))
    }
  }
}
