import System

/// One tool of the toolbox.
protocol Subcommand {
  /// The word on the command line.
  static var name: String { get }
  /// One line for the list of subcommands.
  static var summary: String { get }
  /// Does the work, given the words after the name.
  static func run(_ words: [String]) throws(Failure)
}
