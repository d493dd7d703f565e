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
  /// Sentences about what decided the number of threads, where it was not the cores.
  package let notes: [String]
  /// A warning if cores of the machine are idle.
  package let idleWarning: String?
  /// A warning if another run is bound to the cores of a rank.
  package let conflictWarning: String?

  /// A warning if ranks run on processors of different kinds.
  package let kindWarning: String?

  /// Counts the cores that the rank may use; all ranks call this together.
  /// - Parameters:
  ///   - world: All ranks.
  ///   - wanted: The number of threads requested by the user, if any.
  /// - Throws: `MPIError` if a message fails.
  package init(_ world: Communicator, threads wanted: Int?) throws(MPIError) {
    let host = try world.ranksOnThisHost()
    let own = Processors.own
    // The cores that the host's ranks may use in total. Ranks that are not bound all see the same
    // cores, and must share them.
    var seen = [Int64](repeating: 0, count: Affinity.mostThreads)
    for core in own.cores { seen[core] = 1 }
    try host.allReduce(&seen, .max)
    let shared = Int(seen.reduce(0, +))
    let claimed = Int(try host.allReduce(Int64(own.cores.count), .sum))
    let smallest = try host.allReduce(own.quota ?? .infinity, .min)
    let quota = smallest.isFinite ? smallest : nil
    let share = max(1, own.cores.count * shared / max(1, claimed))
    // The host's ranks share what the control groups give.
    let granted = Processors.threads(cores: share, quota: quota.map { $0 / Double(host.size) })
    let threads = wanted ?? own.wish?.threads ?? granted
    self.threads = threads
    ranksOnHost = host.size
    let hosts = Int(try world.allReduce(Int64(host.rank == 0 ? 1 : 0), .sum))
    let hardwareThreads =
      own.hardwareThreads.count > own.cores.count
      ? " (\(own.hardwareThreads.count) hardware threads)" : ""
    let arithmetics = try world.allGather(InstructionSet.current)
    kindWarning =
      Set(arithmetics).count > 1
      ? "The ranks run on processors of different kinds, so the slowest one limits the speed and "
        + "the last bits of results differ from those of equal processors; --instruction-set common "
        + "makes all compute alike."
      : nil
    summary =
      "\(counted(world.size, "rank", "ranks")) on \(counted(hosts, "host", "hosts")), "
      + "\(counted(own.cores.count, "core", "cores"))\(hardwareThreads) and "
      + "\(counted(threads, "thread", "threads")) each; \(MPI.Environment.libraryVersion), "
      + Self.kinds(arithmetics)
    notes = Self.notes(
      own, quota: quota, share: share, threads: threads, isWanted: wanted != nil, ranks: host.size)
    // In a batch job the machine's other cores belong to other jobs. Slurm may count hardware
    // threads.
    let slurm = ProcessInfo.processInfo.environment["SLURM_CPUS_ON_NODE"].flatMap { Int($0) }
    let machine = min(
      own.machineCores.count,
      slurm.map { max(1, $0 / own.threadsPerCore) } ?? own.machineCores.count)
    hostCores = machine
    let idle = min(machine, Processors.wholeProcessors(quota) ?? machine)
    idleWarning =
      idle > shared && wanted == nil && own.wish == nil
      ? "\(idle - shared) of \(machine) cores of \(Machine.hostName) are idle, since mpirun binds "
        + "each rank to \(own.cores.count); add '\(LaunchOptions.unbound)' (or "
        + "'\(LaunchOptions.binding(cores: machine, ranks: host.size))')."
      : nil
    let ranks = try host.allGather("\(getpid())").compactMap { Int32($0) }
    let conflict =
      own.cores.count < own.machineCores.count
      ? ConflictingRun.find(on: Set(own.cores), besides: Set(ranks)) : nil
    conflictWarning = try world.allGather(
      conflict?.sentence(rank: world.rank, of: own.machineCores, needed: shared) ?? ""
    ).first { !$0.isEmpty }
  }

  /// What the ranks compute with: `OpenBLAS for Zen, own loops for AVX2.`, or each kind with its
  /// ranks, in the order of the lowest.
  static func kinds(_ arithmetics: [String]) -> String {
    var different: [String] = []
    for kind in arithmetics where !different.contains(kind) { different.append(kind) }
    let kinds = different.map { kind -> String in
      let names = kind.components(separatedBy: ", ")
      let ranks = arithmetics.indices.filter { arithmetics[$0] == kind }.map(String.init)
      return "OpenBLAS for \(names[0]), own loops for \(names[names.count - 1])"
        + (ranks.count == arithmetics.count
          ? ""
          : " on rank\(ranks.count == 1 ? "" : "s") \(ranks.joined(separator: ", "))")
    }
    return kinds.joined(separator: "; ") + "."
  }

  /// What decided the number of threads, where it was not the cores alone.
  static func notes(
    _ own: Processors, quota: Double?, share: Int, threads: Int, isWanted: Bool, ranks: Int
  ) -> [String] {
    var notes: [String] = []
    if let quota, quota < Double(own.machineCores.count) {
      let few =
        quota < Double(ranks * threads)
        ? ", so threads wait for their turn; give the job more processors, or start fewer ranks"
        : ""
      notes.append(
        "The control group of the job on \(Machine.hostName) may use "
          + "\(String(format: "%.3g", quota)) of \(own.machineCores.count) processors (its CPU "
          + "quota)\(few).")
    }
    if let wish = own.wish, !isWanted, wish.threads != share {
      notes.append(
        "\(wish.name) asks for \(counted(wish.threads, "thread", "threads")) a rank, and a "
          + "rank has \(counted(share, "core", "cores")); --threads asks for another number.")
    }
    return notes
  }
}
