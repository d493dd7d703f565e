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
