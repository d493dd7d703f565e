import Options
import System

/// One tool of `alexnet`.
protocol Subcommand {
  /// Its name on the command line.
  static var name: String { get }
  /// One line for the list of subcommands.
  static var summary: String { get }
  /// Its command line.
  static var command: Command { get }
  /// Runs the tool with the arguments after the name.
  static func run(_ words: [String]) throws(Failure)
}

extension Subcommand {
  /// Parses the arguments after the name; nil if they ask for help, which is then printed.
  static func arguments(_ words: [String]) throws(Failure) -> Arguments? {
    let arguments = try command.parse(words)
    guard arguments[Command.help] else { return arguments }
    try StandardStream.output.write(command.helpText)
    return nil
  }
}
