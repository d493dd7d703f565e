/// Whole lines on standard output and, between them, how far the work is: on a terminal one living line,
/// elsewhere a plain line every few seconds.
///
/// Whoever shows such lines keeps what counts in files: the work goes on where they cannot be written, and lines that nobody
/// reads, of a terminal that was stopped by Ctrl-S say, are left out.
package final class StatusLine {
  private let isWatched = StandardStream.output.isWatched
  private var lastStatus = -Double.infinity
  private var isLiving = false
  /// Whole lines that were left out since one was written.
  private var lost = 0

  /// Seconds between status lines where nobody watches, and on a terminal.
  private static let plainInterval = 5.0
  private static let livingInterval = 0.2

  /// Starts with an empty line.
  package init() {}

  /// Writes a whole line, which stays; what a terminal would obey in it is escaped.
  package func say(_ line: String) {
    // Where the last line found no room, this one does not wait for it either.
    let gap =
      lost > 0
      ? "\n(\(lost == 1 ? "A line was" : "\(lost) lines were") left out here, since nobody read this output.)\n"
      : ""
    let isWritten = StandardStream.output.tell(
      (isLiving ? "\r\u{1B}[K" : "") + gap + escaped(line, but: "\n") + "\n", waits: lost == 0)
    lost = isWritten ? 0 : lost + 1
    isLiving = false
  }

  /// Shows how far the work is, if it is time to.
  /// - Parameters:
  ///   - isLast: Whether the work ends here, so that the line is shown in any case, and stays.
  ///   - line: Makes the line.
  /// - Returns: The line where it was written to stay.
  @discardableResult
  package func update(isLast: Bool = false, _ line: () -> String) -> String? {
    let now = MonotonicClock.seconds
    let interval = isWatched ? Self.livingInterval : Self.plainInterval
    guard isLast || now - lastStatus >= interval else { return nil }
    lastStatus = now
    let line = line()
    guard isWatched && !isLast else {
      say(line)
      return line
    }
    // Not wrapped at the edge of a narrow terminal, from which a carriage return would not come back; the rest of
    // the line that stood there is erased.
    StandardStream.output.tell("\r\u{1B}[?7l\(escaped(line))\u{1B}[K\u{1B}[?7h", waits: false)
    isLiving = true
    return nil
  }
}

/// A length of time as people say it: `1 h 05 min`, `12 min 30 s` or `45 s`.
package func spoken(seconds: Double) -> String {
  func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
  let whole = Int(max(0, min(seconds, 1e9)).rounded())
  if whole >= 3600 { return "\(whole / 3600) h \(twoDigits(whole / 60 % 60)) min" }
  return whole >= 60 ? "\(whole / 60) min \(twoDigits(whole % 60)) s" : "\(whole) s"
}
