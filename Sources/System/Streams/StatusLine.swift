/// Prints whole lines on standard output and, between them, the progress.
///
/// On a terminal the progress is one line that is updated, elsewhere a plain line every few
/// seconds.
///
/// Callers keep everything important in files: the work continues if lines cannot be written, and
/// lines that nobody reads, for example on a terminal stopped by Ctrl-S, are dropped.
package final class StatusLine {
  private let isWatched = StandardStream.output.isWatched
  private var lastStatus = -Double.infinity
  private var isLiving = false
  /// The number of whole lines dropped since the last one was written.
  private var lost = 0

  /// Seconds between progress lines in a file, and on a terminal.
  private static let plainInterval = 5.0
  private static let livingInterval = 0.2

  package init() {}

  /// Writes a whole line, which stays; control characters are escaped.
  package func say(_ line: String) {
    // If the last line found no space, this one does not wait either.
    let gap =
      lost > 0
      ? "\n(\(lost == 1 ? "A line was" : "\(lost) lines were") left out here, since nobody read "
        + "this output.)\n"
      : ""
    let isWritten = StandardStream.output.tell(
      (isLiving ? "\r\u{1B}[K" : "") + gap + escaped(line, but: "\n") + "\n", waits: lost == 0)
    lost = isWritten ? 0 : lost + 1
    isLiving = false
  }

  /// Shows the progress, if it is time to.
  /// - Parameters:
  ///   - isLast: Whether the work ends here, so that the line is always shown, and stays.
  ///   - line: Makes the line.
  /// - Returns: The line if it was written to stay.
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
    // Line wrap is off, since a carriage return does not undo it at the edge of a narrow terminal;
    // the rest of the previous line is erased.
    let shown = Self.fitted(escaped(line), columns: StandardStream.output.columns)
    StandardStream.output.tell("\r\u{1B}[?7l\(shown)\u{1B}[K\u{1B}[?7h", waits: false)
    isLiving = true
    return nil
  }

  /// As many of a line's first parts as fit: two blanks are between parts, the most important one
  /// comes first.
  package static func fitted(_ line: String, columns: Int?) -> String {
    guard let columns else { return line }
    var parts = line.split(separator: "  ")[...]
    while parts.count > 1, parts.joined(separator: "  ").count > columns { parts.removeLast() }
    return parts.joined(separator: "  ")
  }
}
