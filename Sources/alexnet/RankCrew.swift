import Data
import MPI
import System

/// The ranks of `mpirun -np N alexnet prepare` as a crew.
struct RankCrew: PreparationCrew {
  private let world: Communicator

  init(_ world: Communicator) { self.world = world }

  var rank: Int { world.rank }
  var size: Int { world.size }

  func waitForAll() throws(Failure) { try translated { try world.sleepingBarrier() } }

  func sum(_ numbers: inout [UInt64]) throws(Failure) {
    // Ranks that arrive early sleep; the sum itself takes milliseconds.
    try waitForAll()
    // Integer sums have the same bits whether they are signed or not.
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
}
