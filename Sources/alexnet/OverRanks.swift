import MPI
import Options
import Supervision
import System

/// Runs a subcommand on the ranks that mpirun has started.
enum OverRanks {
  /// Runs a subcommand with its options on all ranks, or in this process alone without MPI.
  ///
  /// The options are parsed within MPI, so that an error that all ranks have is reported once.
  static func run(
    _ command: Command, _ words: [String], _ body: (Arguments, Communicator) throws -> Void
  ) throws(Failure) {
    func read(_ world: Communicator) throws {
      let arguments = try command.parse(words)
      try watched(command.name, arguments, world) { try body(arguments, world) }
    }
    if MPI.Environment.isLaunched { start(command.name, read) }
    do { try read(.alone) } catch {
      throw error as? Failure ?? Failure(.internal, "\(error)")
    }
  }

  /// Starts MPI, runs the body, and exits.
  static func start(_ program: String, _ body: (Communicator) throws -> Void) -> Never {
    start(program) { world in
      try body(world)
      return .done
    }
  }

  /// Starts MPI, runs the body, and exits with its code.
  static func start(_ program: String, _ body: (Communicator) throws -> ExitCode) -> Never {
    Launcher.killLaterAtTermination()
    let startWatch = Watchdog(startOfMPI: 90)
    MPI.Environment.run(program) { world in
      startWatch.stop()
      return try body(world)
    }
  }

  /// Runs the body, and ends the job if a rank stops responding.
  static func watched(
    _ program: String, _ arguments: Arguments, _ world: Communicator, _ body: () throws -> Void
  ) throws {
    guard let limit = arguments[SharedOptions.watchdog].seconds, world.size > 1 else {
      return try body()
    }
    let firstMessages = Watchdog(firstMessagesOf: world, limit: 60)
    try SegmentNames.unlink(of: world)
    let watchdog = try Watchdog(world, limit: limit, mode: .apart, remedy: "Start it again.")
    firstMessages.stop()
    Activity.begin(program, waitsForRanks: true)
    try body()
    try SegmentNames.restore(of: world)
    try watchdog.finish()
  }
}
