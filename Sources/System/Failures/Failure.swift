/// The exit codes of every program of this public (those of BSD's `sysexits.h` where one fits).
public enum ExitCode: Int32, Sendable {
  /// The work is done.
  case done = 0
  /// An option, a setting or a combination of them is wrong.
  case usage = 64
  /// A file was read and does not hold what it should.
  case badData = 65
  /// A file or folder that was named is not there or cannot be read.
  case inputMissing = 66
  /// A fault of the program itself.
  case `internal` = 70
  /// An output file or folder cannot be created.
  case cannotCreate = 73
  /// Reading, writing or communicating failed half-way.
  case inputOutput = 74
  /// Stopped on request; everything is saved and the run can go on.
  case savedUnfinished = 75
  /// The ranks do not agree on something that they must share.
  case ranksDisagree = 76
  /// The numbers of the training became infinite or not a number.
  case diverged = 79
}

/// What went wrong, in one sentence for the person at the keyboard.
///
/// The sentence names the path or option, and what to do about it. One place in each program catches
/// it, prints it once and ends every rank with `exitCode`.
public struct Failure: Error, CustomStringConvertible, Sendable, Equatable {
  /// The code that the process leaves with.
  public let exitCode: ExitCode
  /// The sentence.
  public let message: String

  /// Makes a failure from its exit code and its sentence.
  ///
  /// Control characters, which a file may have brought in, are shown as `\u{1b}`; a list of differences has lines of its own.
  public init(_ exitCode: ExitCode, _ message: String) {
    self.exitCode = exitCode
    self.message = escaped(message, but: "\n")
  }

  /// The sentence.
  public var description: String { message }
}
