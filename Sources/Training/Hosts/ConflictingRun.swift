import Foundation
import Glibc
import MPI
import System

/// A process of another run of this program that is bound to the same cores as this rank, so that
/// each gets half of them.
///
/// Each mpirun binds its first rank to the first core, whatever other mpiruns have done.
struct ConflictingRun: Equatable {
  let process: Int32
  let core: Int
  /// All cores that processes of other runs are bound to.
  let taken: Set<Int>

  /// Searches the host's processes.
  /// - Parameters:
  ///   - own: The cores that this rank is bound to.
  ///   - ranks: The processes of this run.
  /// - Returns: The first such process; nil if there is none.
  static func find(on own: Set<Int>, besides ranks: Set<Int32>) -> ConflictingRun? {
    let name = name(ofProcess: getpid())
    let processes = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    var (first, taken): ((process: Int32, core: Int)?, Set<Int>) = (nil, [])
    for process in processes.compactMap({ Int32($0) }).sorted() {
      guard !ranks.contains(process), name != nil, Self.name(ofProcess: process) == name,
        let threads = Affinity.threads(ofProcess: process)
      else { continue }
      let cores = Topology.machine.cores(ofThreads: threads)
      guard cores.count < Topology.machine.cores.count else { continue }
      taken.formUnion(cores)
      if first == nil, let core = cores.first(where: own.contains) { first = (process, core) }
    }
    return first.map { ConflictingRun(process: $0.process, core: $0.core, taken: taken) }
  }

  /// The warning, with a remedy that there are cores for: `machine` are all, and this run needs so
  /// many of them.
  func sentence(rank: Int, of machine: [Int], needed: Int) -> String {
    let free = machine.filter { !taken.contains($0) }
    let others = free.prefix(needed).map(String.init).joined(separator: ",")
    return "Rank \(rank) and process \(process) of another run are both bound to core \(core) of "
      + "\(Machine.hostName), and each gets half of it; "
      + (free.count >= needed
        ? "start one of the runs with '\(LaunchOptions.unbound)', or on other cores "
          + "('\(LaunchOptions.onlyCores(others))')."
        : "there are too few cores for both: run one after the other, or let both share all "
          + "cores ('\(LaunchOptions.unbound)').")
  }

  private static func name(ofProcess process: Int32) -> String? {
    try? String(contentsOfFile: "/proc/\(process)/comm", encoding: .utf8)
  }
}
