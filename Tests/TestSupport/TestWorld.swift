package import MPI

/// The ranks that the tests run on: one under `swift test`, several under `mpirun`.
///
/// MPI is started once, at the first use, and finalised when the process ends.
package struct TestWorld: Sendable {
  /// Every rank.
  package let all: Communicator
  /// This rank alone: what one process computes, to compare with.
  package let alone: Communicator
  /// This rank and its neighbour: ranks 0 and 1, 2 and 3, and so on.
  package let pair: Communicator

  /// The ranks of this run.
  package static let shared = start()

  /// The number of ranks.
  package static var size: Int { shared.all.size }
  /// Whether there is just this process.
  package static var isOneProcess: Bool { size == 1 }
  /// Whether every rank has a neighbour: two ranks make one pair, four make two.
  package static var hasPairs: Bool { size >= 2 && size.isMultiple(of: 2) }

  private static func start() -> TestWorld {
    do {
      let all = try Environment.startForProcessLifetime()
      return TestWorld(
        all: all, alone: try all.split(color: all.rank, key: 0),
        pair: try all.split(color: all.rank / 2, key: all.rank))
    } catch {
      fatalError("MPI does not start: \(error).")
    }
  }
}
