/// The exit codes of all programs in this package (those of BSD's `sysexits.h` where one fits).
public enum ExitCode: Int32, Sendable {
  /// The work is done.
  case done = 0
  /// An option, a setting or a combination of them is wrong.
  case usage = 64
  /// A file was read and has wrong contents.
  case badData = 65
  /// A named file or folder does not exist or cannot be read.
  case inputMissing = 66
  /// A bug in the program.
  case `internal` = 70
  /// An output file or folder cannot be created.
  case cannotCreate = 73
  /// Reading, writing or communicating failed.
  case inputOutput = 74
  /// Stopped on request; everything is saved and the run can be resumed.
  case savedUnfinished = 75
  /// The ranks differ in something that must be the same.
  case ranksDisagree = 76
  /// The numbers of the training became infinite, NaN or far too large, or it does not learn.
  case diverged = 79
}

/// An error, described in one sentence for the user.
///
/// The sentence names the path or option, and what to do about it. One place in each program
/// catches it, prints it once and ends every rank with `exitCode`.
public struct Failure: Error, CustomStringConvertible, Sendable, Equatable {
  /// The exit code of the process.
  public let exitCode: ExitCode
  /// The sentence.
  public let message: String

  /// Makes a failure from its exit code and its sentence.
  ///
  /// Control characters, which may come from a file, are shown as `\u{1b}`; a list of differences
  /// is printed on separate lines.
  public init(_ exitCode: ExitCode, _ message: String) {
    self.exitCode = exitCode
    self.message = escaped(message, but: "\n")
  }

  /// The sentence.
  public var description: String { message }
}
