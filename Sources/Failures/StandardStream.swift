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
    text.withUTF8 { bytes in
      var rest = UnsafeRawBufferPointer(bytes)
      while !rest.isEmpty {
        let written = Self.systemWrite(rawValue, rest)
        if written < 0 && errno == EINTR { continue }
        guard written > 0 else { return }
        rest = UnsafeRawBufferPointer(rebasing: rest[written...])
      }
    }
  }

  /// Whether a person is watching: the stream is a terminal, not a file or a pipe.
  public var isTerminal: Bool { isatty(rawValue) == 1 }

  // Inside the enum, `write` names its own method.
  private static func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    Glibc.write(descriptor, bytes.baseAddress, bytes.count)
  }
}
