import System

/// Prints a run's messages to standard output and log.txt, in the first rank only.
final class RunLog {
  /// log.txt, in the first rank.
  let file: TextFile?
  private let status: StatusLine?

  /// Opens the log in the run's folder; nil except in the first rank.
  init(in folder: HeldFolder?) throws(Failure) {
    file = try folder.map { folder throws(Failure) in
      try TextFile(appendingTo: RunDirectory.Name.log, in: folder)
    }
    status = folder == nil ? nil : StatusLine()
  }

  /// Prints and logs a whole line.
  func say(_ line: String) throws(Failure) {
    status?.say(line)
    try write(line)
  }

  /// Shows the progress of the run, if it is time to.
  /// - Parameters:
  ///   - isLast: Whether this is the last line, which is always shown.
  ///   - line: Makes the line.
  /// - Throws: `Failure` if the log cannot be written.
  func progress(isLast: Bool = false, _ line: () -> String) throws(Failure) {
    if let line = status?.update(isLast: isLast, line) {
      try write(line)
    }
  }

  /// Logs a text that is not printed, each of its lines after the time.
  func write(_ text: String) throws(Failure) {
    let time = WallTime.now
    for line in escaped(text, but: "\n").split(separator: "\n") {
      try file?.append("\(time) \(line)")
    }
  }
}
