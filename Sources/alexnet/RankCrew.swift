import Data
import Failures
import Glibc
import MPI
import Options

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

  /// Runs a subcommand over the ranks that mpirun has started, or in this process alone without MPI.
  static func run(_ program: String, _ body: (Communicator) throws -> Void) throws(Failure) {
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

  /// Runs a subcommand over the ranks with its options, or shows its help.
  ///
  /// The options are read within MPI, so that a complaint that all ranks have is made once.
  static func run(
    _ command: Command, _ words: [String], _ body: (Arguments, Communicator) throws -> Void
  ) throws(Failure) {
    try run(command.name) { world in
      let arguments = try command.parse(words)
      guard arguments.has("help") else { return try body(arguments, world) }
      if world.rank == 0 { StandardStream.output.write(command.helpText) }
    }
  }

  /// Whether this process is one of several that mpirun, or srun, has started.
  static var isCalledFor: Bool {
    ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_RANK"].contains { (name: String) in
      getenv(name) != nil
    }
  }
}
