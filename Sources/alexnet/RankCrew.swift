import Data
import Failures
import Glibc
import MPI
import Options
import Supervision
import Threads

/// The ranks of `mpirun -np N alexnet prepare` as a crew.
struct RankCrew: PreparationCrew {
  private let world: Communicator

  init(_ world: Communicator) { self.world = world }

  var rank: Int { world.rank }
  var size: Int { world.size }

  func waitForAll() throws(Failure) { try translated { try world.patientBarrier() } }

  func sum(_ numbers: inout [UInt64]) throws(Failure) {
    // Whoever is early sleeps; the sum itself takes milliseconds.
    try waitForAll()
    // Sums of whole numbers are the same bit by bit whether they are read with a sign or not.
    try translated {
      try numbers.withUnsafeMutableBytes {
        try world.allReduce($0.bindMemory(to: Int64.self), .sum)
      }
    }
  }

  private func translated(_ body: () throws -> Void) throws(Failure) {
    do { try body() } catch {
      throw Failure(.inputOutput, "The ranks cannot reach each other: \(error).")
    }
  }

  /// Runs a subcommand with its options over the ranks that mpirun has started, or in this process alone without MPI;
  /// or shows its help.
  ///
  /// The options are read within MPI, so that a complaint that all ranks have is made once.
  static func run(
    _ command: Command, _ words: [String], _ body: (Arguments, Communicator) throws -> Void
  ) throws(Failure) {
    try run(command.name) { world in
      let arguments = try command.parse(words)
      if arguments.has("help") {
        if world.rank == 0 { StandardStream.output.write(command.helpText) }
      } else {
        try watched(command.name, arguments, world) { try body(arguments, world) }
      }
    }
  }

  private static func run(
    _ program: String, _ body: (Communicator) throws -> Void
  ) throws(Failure) {
    guard isCalledFor else {
      do { try body(.alone) } catch {
        throw error as? Failure ?? Failure(.internal, "\(error)")
      }
      return
    }
    MPI.Environment.run(program) { world in
      try body(world)
      return .done
    }
  }

  /// The option that says how long a rank may be silent.
  static let watchdogOption = Option(
    "watchdog", "SECONDS", default: "120",
    "Under mpirun, end the job, naming the rank, where one gives no sign of life for so long; 0 for never."
  )

  /// Does the ranks' work, and ends the job where one of them falls silent.
  static func watched(
    _ program: String, _ arguments: Arguments, _ world: Communicator, _ body: () throws -> Void
  ) throws {
    let limit = try arguments.limit("watchdog", default: 120)
    guard let limit, world.size > 1 else { return try body() }
    let firstMessages = Watchdog(firstMessagesOf: world, limit: 60)
    let watchdog = try Watchdog(world, limit: limit, forgives: .longWork, remedy: "Start it again.")
    firstMessages.stop()
    Activity.begin(program, waitsForRanks: true)
    try body()
    try watchdog.finish()
  }

  /// Whether this process is one of several that mpirun, or srun, has started.
  static var isCalledFor: Bool {
    ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_RANK"].contains { (name: String) in
      getenv(name) != nil
    }
  }
}
