import MPI
import System
import Tensors

/// What the cores in use could do at best, all of them at the same time.
struct MachineLimits {
  /// Multiply-adds per second of matrix products.
  let productRate: Double
  /// Bytes per second read from memory and written to it.
  let memoryBandwidth: Double

  /// Measures them; all ranks call this together.
  init(_ world: Communicator, _ team: ThreadTeam) throws {
    try Memory.requireLibrarySpace(threads: team.count)
    BLAS.prepare()
    productRate = try Self.products(world, team)
    memoryBandwidth = try Self.bandwidth(world, team)
  }

  /// Each thread computes its own product.
  private static func products(_ world: Communicator, _ team: ThreadTeam) throws -> Double {
    let side = 1536
    let matrices = (0..<team.count).map { _ in (0..<3).map { _ in Tensor(side, side) } }
    for member in matrices { for matrix in member { matrix.fill(1) } }
    return try best(world, of: Double(side * side * side * team.count * world.size)) {
      team.run { member in
        let m = matrices[member]
        BLAS.multiply(
          rows: side, columns: side, inner: side, m[0].pointer, stride: side, m[1].pointer,
          stride: side,
          into: m[2].pointer, stride: side)
      }
    }
  }

  /// Each thread adds one array to another, as an update does: two are read and one is written.
  private static func bandwidth(_ world: Communicator, _ team: ThreadTeam) throws -> Double {
    // Larger than a share of any cache.
    let count = 16 << 20
    let arrays = (0..<team.count).map { _ in (0..<2).map { _ in Tensor(count) } }
    for member in arrays { for array in member { array.fill(1) } }
    return try best(world, of: Double(12 * count * team.count * world.size)) {
      team.run { member in
        let (x, y) = (arrays[member][0].pointer, arrays[member][1].pointer)
        for i in 0..<count { y[i] += x[i] }
      }
    }
  }

  /// The most per second of five times, after one to warm up.
  private static func best(
    _ world: Communicator, of amount: Double, _ work: () -> Void
  ) throws -> Double {
    work()
    var best = 0.0
    for _ in 0..<5 {
      try world.barrier()
      let start = MonotonicClock.seconds
      work()
      best = max(best, amount / (try world.allReduce(MonotonicClock.seconds - start, .max)))
    }
    return best
  }
}
