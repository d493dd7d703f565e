import Foundation
import Kernels
import Layers
package import MPI
import System
import Tensors

/// The cores and threads that this rank uses, and cores that are idle.
package struct Cores: Sendable {
  /// The number of threads of this rank.
  package let threads: Int
  /// The number of ranks on this rank's host.
  package let ranksOnHost: Int
  /// The number of cores of this rank's host, or of those that a batch job was given there.
  package let hostCores: Int
  /// One line about ranks, threads and libraries.
  package let summary: String
  /// A warning if cores of the machine are idle.
  package let idleWarning: String?
  /// A warning if another run is bound to the cores of a rank.
  package let conflictWarning: String?

  /// Counts the cores that the rank may use; all ranks call this together.
  /// - Parameters:
  ///   - world: All ranks.
  ///   - wanted: The number of threads requested by the user, if any.
  /// - Throws: `MPIError` if a message fails.
  package init(_ world: Communicator, threads wanted: Int?) throws(MPIError) {
    let host = try world.ranksOnThisHost()
    let own = Affinity.cores
    // The cores that the host's ranks may use in total. Ranks that are not bound all see the same
    // cores, and must share them.
    var seen = [Int64](repeating: 0, count: Affinity.mostCores)
    for core in own { seen[core] = 1 }
    try seen.withUnsafeMutableBufferPointer { buffer throws(MPIError) in
      try host.allReduce(buffer, .max)
    }
    let shared = Int(seen.reduce(0, +))
    let claimed = Int(try host.allReduce(Int64(own.count), .sum))
    let threads = wanted ?? max(1, own.count * shared / max(1, claimed))
    self.threads = threads
    ranksOnHost = host.size
    let hosts = Int(try world.allReduce(Int64(host.rank == 0 ? 1 : 0), .sum))
    summary =
      "\(world.size) rank\(world.size == 1 ? "" : "s") on \(hosts) host\(hosts == 1 ? "" : "s"), "
      + "\(own.count) core\(own.count == 1 ? "" : "s") and \(threads) "
      + "thread\(threads == 1 ? "" : "s") each; \(MPI.Environment.libraryVersion), "
      + "OpenBLAS for \(BLAS.coreName), own loops for \(KernelSet.best.name)."
    // In a batch job the machine's other cores belong to other jobs.
    let granted = ProcessInfo.processInfo.environment["SLURM_CPUS_ON_NODE"].flatMap { Int($0) }
    let machine = granted ?? Affinity.machineCoreCount
    hostCores = machine
    let idle = machine - shared
    idleWarning =
      idle > 0 && wanted == nil
      ? "\(idle) of \(machine) cores of \(Machine.hostName) are idle, since mpirun binds "
        + "each rank to \(own.count); add '\(LaunchOptions.unbound)' (or "
        + "'\(LaunchOptions.cores(each: machine / host.size))')."
      : nil
    let ranks = try host.allGather("\(getpid())").compactMap { Int32($0) }
    let conflict =
      own.count < Affinity.machineCoreCount
      ? ConflictingRun.find(on: Set(own), besides: Set(ranks)) : nil
    conflictWarning = try world.allGather(conflict?.sentence(rank: world.rank) ?? "").first {
      !$0.isEmpty
    }
  }
}
