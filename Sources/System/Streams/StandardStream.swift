import Glibc

/// Standard output and standard error, written without a buffer in between.
///
/// A line that was written is out, even when the process is ended by a signal or by MPI right after.
package enum StandardStream: Int32, Sendable {
  /// Where results and progress go.
  case output = 1
  /// Where complaints go.
  case error = 2

  /// Gives the numbers 0, 1 and 2 to the null device where they are closed, as cron and some batch systems leave them.
  ///
  /// To be called before anything else opens a file: the first one opened would get such a number, and the progress would be
  /// written into it. The streams are opened the wrong way round, so that a result that is written there is lost with an error
  /// and not in silence.
  package static func openAll() {
    for number: Int32 in 0...2 where fcntl(number, F_GETFD) < 0 && errno == EBADF {
      // The system gives the lowest number that is free, which is this one.
      _ = open("/dev/null", number == 0 ? O_WRONLY : O_RDONLY)
    }
  }

  /// Writes a result as it is, whole, and waits for whoever reads it.
  ///
  /// A reader that has gone away (`head`, say) has all that it wants, and is no error.
  /// - Throws: `Failure` (inputOutput) if the stream takes no more: the result is lost.
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

  /// Writes a result for people, as `write` does: what a terminal would obey is escaped, but for the ends of lines.
  /// - Throws: `Failure` (inputOutput) if the stream takes no more.
  package func show(_ text: String) throws(Failure) { try write(escaped(text, but: "\n")) }

  /// Says what was written to a file: on standard error where the file is standard output itself.
  /// - Throws: `Failure` (inputOutput) if it cannot be written.
  package static func confirm(_ sentence: String, of path: String) throws(Failure) {
    try (OutputPlace.isStandardOutput(path) ? StandardStream.error : .output).show(sentence)
  }

  /// How long a sentence waits for room in a stream: a reader that is only slow has read some by then.
  private static let patience = 0.25

  /// Writes what is only told along the way (progress, complaints), and goes on where it cannot be written.
  ///
  /// It never waits for long: a terminal that was stopped by Ctrl-S, or a pipe whose reader sleeps, must not hold the work up.
  /// - Parameters:
  ///   - text: The text.
  ///   - waits: Whether it is worth a moment's wait where the stream is full just now.
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

  /// Whether a person is watching: the stream is a terminal, not a file or a pipe.
  package var isTerminal: Bool { isatty(rawValue) == 1 }
}

/// A standard stream as one that does not wait for its reader.
private struct UnblockedStream: Sendable {
  static let output = UnblockedStream(of: 1)
  static let error = UnblockedStream(of: 2)

  private let descriptor: Int32
  private let isSocket: Bool
  /// Whether a write may wait, though there is room for the first bytes.
  private let mayWait: Bool

  /// Whether the stream itself does not wait is a property that other processes share with it, so a pipe or a terminal is opened a
  /// second time.
  private init(of number: Int32) {
    var status = stat()
    let kind = fstat(number, &status) == 0 ? status.st_mode & S_IFMT : 0
    isSocket = kind == S_IFSOCK
    let isRead = kind == S_IFIFO || isatty(number) == 1
    let again =
      isRead
      ? open("/proc/self/fd/\(number)", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) : -1
    mayWait = isRead && again < 0
    descriptor = again >= 0 ? again : number
  }

  /// Writes bytes as far as there is room for them within some seconds.
  func write(_ bytes: UnsafeRawBufferPointer, within seconds: Double) -> Bool {
    var (done, rest) = (0, Int32(1000 * seconds))
    while done < bytes.count {
      let start = bytes.baseAddress?.advanced(by: done)
      // There is room for this much at once in a pipe that has room at all.
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
