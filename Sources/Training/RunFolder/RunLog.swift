import System

/// What a run tells, on standard output and in log.txt; only the first rank tells anything.
final class RunLog {
  /// log.txt, in the first rank.
  let file: TextFile?
  private let status: StatusLine?

  init(in folder: HeldFolder, speaks: Bool) throws(Failure) {
    file = speaks ? try TextFile(appendingTo: RunDirectory.Name.log, in: folder) : nil
    status = speaks ? StatusLine() : nil
  }

  /// Tells a whole line.
  func say(_ line: String) throws(Failure) {
    status?.say(line)
    try file?.append(escaped(line, but: "\n"))
  }

  /// Shows how far the run is, if it is time to.
  /// - Parameters:
  ///   - isLast: Whether nothing will follow, so that the line is shown in any case.
  ///   - line: Makes the line.
  /// - Throws: `Failure` where the log cannot be written.
  func progress(isLast: Bool = false, _ line: () -> String) throws(Failure) {
    if let line = status?.update(isLast: isLast, line) {
      try file?.append(escaped(line, but: "\n"))
    }
  }
}
