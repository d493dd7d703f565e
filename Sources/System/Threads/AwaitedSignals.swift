import CScheduling
import Glibc

/// Signals that a thread waits for, one after another, instead of ending the program.
///
/// A signal to a process goes to any thread that has not blocked it, and libraries start threads
/// before the program has a say: so the signals are not blocked and waited for but handled, and
/// the handler writes each one's number into a pipe. SIGHUP stays ignored where it is, under nohup.
package struct AwaitedSignals: ~Copyable {
  /// The ends of the pipe: the handler needs the second one, wherever it runs.
  nonisolated(unsafe) private static var pipe: (read: Int32, write: Int32) = (-1, -1)

  private var before: [(signal: Int32, action: sigaction)] = []

  /// Handles the signals from now on.
  ///
  /// There is one of this type at a time.
  /// - Throws: `Failure` (inputOutput) if there are too many open files.
  package init(_ signals: [Int32]) throws(Failure) {
    var ends: [Int32] = [-1, -1]
    // Neither end is for the programs that this one starts; a full pipe stops nobody.
    guard pipe2(&ends, O_CLOEXEC | O_NONBLOCK) == 0 else {
      throw .system(.inputOutput, "Signals cannot be waited for", errno: errno)
    }
    Self.pipe = (ends[0], ends[1])
    var handled = sigset_t()
    sigemptyset(&handled)
    for signal in signals where signal != SIGHUP || !Self.isIgnored(signal) {
      var (action, old) = (sigaction(), sigaction())
      action.__sigaction_handler.sa_handler = { signal in
        let code = errno
        var number = UInt8(signal)
        _ = Glibc.write(AwaitedSignals.pipe.write, &number, 1)
        errno = code
      }
      action.sa_flags = SA_RESTART
      sigaction(signal, &action, &old)
      before.append((signal, old))
      sigaddset(&handled, signal)
    }
    // Whoever started this program may have had them blocked, which is inherited.
    pthread_sigmask(SIG_UNBLOCK, &handled, nil)
  }

  deinit {
    for (signal, action) in before {
      var action = action
      sigaction(signal, &action, nil)
    }
    close(Self.pipe.read)
    close(Self.pipe.write)
  }

  /// Whether a signal is ignored, as under nohup.
  package static func isIgnored(_ signal: Int32) -> Bool {
    var action = sigaction()
    sigaction(signal, nil, &action)
    return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
      == unsafeBitCast(SIG_IGN, to: Int.self)
  }

  /// Waits for the next signal.
  /// - Parameter seconds: How long; nil for as long as it takes.
  /// - Returns: Its number; nil when the time is over.
  package func next(within seconds: Double? = nil) -> Int32? {
    let end = seconds.map { MonotonicClock.seconds + $0 }
    while true {
      var number: UInt8 = 0
      if read(Self.pipe.read, &number, 1) == 1 { return Int32(number) }
      let rest = end.map { max(0, $0 - MonotonicClock.seconds) }
      if let rest, rest == 0 { return nil }
      var wanted = pollfd(fd: Self.pipe.read, events: Int16(POLLIN), revents: 0)
      poll(&wanted, 1, rest.map { Int32(($0 * 1000).rounded(.up)) } ?? -1)
    }
  }
}
