import Glibc

/// Standard output and standard error, written without a buffer in between.
///
/// A line that was written is out, even when the process is ended by a signal or by MPI right after.
public enum StandardStream: Int32, Sendable {
  /// Where results and progress go.
  case output = 1
  /// Where complaints go.
  case error = 2

  /// Writes the text as it is, whole.
  public func write(_ text: String) {
    var text = text
    _ = text.withUTF8 { WholeTransfer.write(UnsafeRawBufferPointer($0), to: rawValue) }
  }

  /// Whether a person is watching: the stream is a terminal, not a file or a pipe.
  public var isTerminal: Bool { isatty(rawValue) == 1 }
}
