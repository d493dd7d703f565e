import Glibc

/// Standard output and standard error, written without a buffer in between.
///
/// A line that was written is out, even when the process is ended by a signal or by MPI right after.
public enum StandardStream: Int32, Sendable {
  /// Where results and progress go.
  case output = 1
  /// Where complaints go.
  case error = 2

  /// Writes a result as it is, whole.
  ///
  /// A reader that has gone away (`head`, say) has all that it wants, and is no error.
  /// - Throws: `Failure` (inputOutput) where the stream takes no more: the result is lost.
  public func write(_ text: String) throws(Failure) {
    let code = put(text)
    guard code == 0 || code == EPIPE else {
      let name = self == .output ? "output" : "error"
      throw .system(.inputOutput, "cannot write to standard \(name)", errno: code)
    }
  }

  /// Writes what is only told along the way (progress, complaints), and goes on where it cannot be written.
  public func tell(_ text: String) { _ = put(text) }

  /// Writes the text with as many calls as that takes.
  /// - Returns: 0, or the system's number of the error.
  private func put(_ text: String) -> Int32 {
    var text = text
    return text.withUTF8 { WholeTransfer.write(UnsafeRawBufferPointer($0), to: rawValue) }
  }

  /// Whether a person is watching: the stream is a terminal, not a file or a pipe.
  public var isTerminal: Bool { isatty(rawValue) == 1 }
}
