import Failures
import Kernels
import Layers
import MPI
import Tensors
import Threads

/// What this rank computes with, and what lies idle.
struct Cores {
  /// Threads of this rank.
  let threads: Int
  /// One line about ranks, threads and libraries.
  let summary: String
  /// A sentence where cores of the machine have nothing to do.
  let idleWarning: String?

  /// Counts the cores that the rank may use; all ranks call it together.
  init(_ world: Communicator, threads wanted: Int?) throws {
    let host = try world.ranksOnThisHost()
    let bound = Affinity.coreCount
    let machine = Affinity.machineCoreCount
    // Ranks that are not bound all see the whole machine, and must not use it all at once.
    let claimed = Int(try host.allReduce(Int64(bound), .sum))
    let fair = claimed > machine ? max(1, bound * machine / claimed) : bound
    let threads = wanted ?? fair
    self.threads = threads
    let used = Int(try host.allReduce(Int64(threads), .sum))
    let hosts = Int(try world.allReduce(Int64(host.rank == 0 ? 1 : 0), .sum))
    summary =
      "\(world.size) rank\(world.size == 1 ? "" : "s") on \(hosts) host\(hosts == 1 ? "" : "s"), "
      + "\(threads) thread\(threads == 1 ? "" : "s") each; \(MPI.Environment.libraryVersion), "
      + "OpenBLAS for \(BLAS.coreName), own loops for \(KernelSet.best.name)."
    idleWarning =
      used < machine && wanted == nil
      ? "\(machine - used) of \(machine) cores of \(MPI.Environment.processorName) lie idle, since mpirun "
        + "binds each rank to \(bound); add '--bind-to none' (or '--map-by socket:PE=\(machine / host.size)')."
      : nil
  }
}
