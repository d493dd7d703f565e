import Glibc
import Synchronization

/// Unbuffered standard output and standard error.
///
/// A written line is visible even if the process is ended by a signal or by MPI right after it.
package enum StandardStream: Int32, Sendable {
  /// For results and progress.
  case output = 1
  /// For errors and warnings.
  case error = 2

  /// Opens closed descriptors 0, 1 and 2 on /dev/null; cron and some batch systems close them.
  ///
  /// Call this before anything else opens a file: otherwise that file would get one of these
  /// descriptors, and progress would be written into it. The streams are opened in the wrong
  /// direction, so that writing a result to one of them gives an error instead of losing it
  /// silently.
  /// - Parameter isRelayed: Whether the parent, a launcher of ranks, passes the output on to its own.
  package static func openAll(isRelayed: Bool) {
    relayed.store(isRelayed, ordering: .relaxed)
    for number: Int32 in 0...2 where fcntl(number, F_GETFD) < 0 && errno == EBADF {
      // The system assigns the lowest free descriptor, which is this one.
      _ = open("/dev/null", number == 0 ? O_WRONLY : O_RDONLY)
    }
  }

  /// Writes a whole result unchanged, and waits for its reader.
  ///
  /// A reader that has closed the stream (such as `head`) needs nothing more; that is not an error.
  /// - Throws: `Failure` (inputOutput) if the stream accepts no more: the result is lost.
  package func write(_ text: String) throws(Failure) {
    var text = text
    let code = text.withUTF8 {
      WholeTransfer.write(UnsafeRawBufferPointer($0), to: rawValue)
    }
    guard code == 0 || code == EPIPE else {
      let name = self == .output ? "output" : "error"
      throw .system(.inputOutput, "cannot write to standard \(name)", errno: code)
    }
  }

  /// Writes a result for people, like `write`, with control characters escaped except line ends.
  /// - Throws: `Failure` (inputOutput) if the stream accepts no more.
  package func show(_ text: String) throws(Failure) { try write(escaped(text, but: "\n")) }

  /// Confirms that a file was written: on standard error if the file is standard output itself.
  /// - Throws: `Failure` (inputOutput) if it cannot be written.
  package static func confirm(_ sentence: String, of path: String) throws(Failure) {
    try (OutputPlace.isStandardOutput(path) ? StandardStream.error : .output).show(sentence)
  }

  /// How many seconds a message waits for space in a stream: a slow reader has read some by then.
  private static let patience = 0.25

  /// Writes progress or a message, and continues if it cannot be written.
  ///
  /// It never waits long: a terminal stopped by Ctrl-S, or a pipe whose reader sleeps, must not
  /// delay the work.
  /// - Parameters:
  ///   - text: The text.
  ///   - waits: Whether to wait a moment if the stream is full.
  /// - Returns: Whether all of it was written.
  @discardableResult
  package func tell(_ text: String, waits: Bool = true) -> Bool {
    var text = text
    return text.withUTF8 { bytes in
      offers.write(UnsafeRawBufferPointer(bytes), within: waits ? Self.patience : 0)
    }
  }

  private var offers: UnblockedStream {
    self == .output ? UnblockedStream.output : UnblockedStream.error
  }

  /// Whether the stream is a terminal and not a file or a pipe.
  package var isTerminal: Bool { isatty(rawValue) == 1 }
}

/// A standard stream that is opened again without blocking.
private struct UnblockedStream: Sendable {
  static let output = UnblockedStream(of: 1)
  static let error = UnblockedStream(of: 2)

  private let descriptor: Int32
  private let isSocket: Bool
  /// Whether a write may block although there is space for the first bytes.
  private let mayWait: Bool

  /// A pipe or a terminal is opened a second time, since non-blocking mode is shared with other
  /// processes.
  private init(of number: Int32) {
    let kind = FileStatus(descriptor: number)?.kind
    isSocket = kind == .socket
    let isRead = kind == .pipe || isatty(number) == 1
    let again =
      isRead
      ? open("/proc/self/fd/\(number)", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) : -1
    mayWait = isRead && again < 0
    descriptor = again >= 0 ? again : number
  }

  /// Writes bytes as far as there is space for them within some seconds.
  func write(_ bytes: UnsafeRawBufferPointer, within seconds: Double) -> Bool {
    var (done, rest) = (0, Int32(1000 * seconds))
    while done < bytes.count {
      let start = bytes.baseAddress?.advanced(by: done)
      // A pipe that has any space has at least this much.
      let count = min(bytes.count - done, mayWait ? 512 : 4096)
      var room = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
      let isReady = poll(&room, 1, 0) > 0
      let moved =
        isReady
        ? isSocket
          ? send(descriptor, start, count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
          : Glibc.write(descriptor, start, count) : -1
      if moved > 0 {
        done += moved
        continue
      }
      if isReady && moved < 0 && errno == EINTR { continue }
      guard !isReady || (moved < 0 && errno == EAGAIN), rest > 0 else { return false }
      usleep(10_000)
      rest -= 10
    }
    return true
  }
}
