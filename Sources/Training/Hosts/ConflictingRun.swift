import Foundation
import Glibc
import MPI
import System

/// A process of another run of this program that is bound to the same cores as this rank, so that
/// each gets half of them.
///
/// Each mpirun binds its first rank to the first core, whatever other mpiruns have done.
struct ConflictingRun {
  let process: Int32
  let core: Int

  /// Searches the host's processes.
  /// - Parameters:
  ///   - own: The cores that this rank is bound to.
  ///   - ranks: The processes of this run.
  /// - Returns: The first such process; nil if there is none.
  static func find(on own: Set<Int>, besides ranks: Set<Int32>) -> ConflictingRun? {
    let name = name(ofProcess: getpid())
    let processes = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    for process in processes.compactMap({ Int32($0) }).sorted() {
      guard !ranks.contains(process), name != nil, Self.name(ofProcess: process) == name,
        let cores = Affinity.cores(ofProcess: process), cores.count < Affinity.machineCoreCount,
        let core = cores.first(where: own.contains)
      else { continue }
      return ConflictingRun(process: process, core: core)
    }
    return nil
  }

  /// The warning, with the remedy.
  func sentence(rank: Int) -> String {
    "Rank \(rank) and process \(process) of another run are both bound to core \(core) of "
      + "\(Machine.hostName), and each gets half of it; start one of the runs with "
      + "'\(LaunchOptions.unbound)', or on other cores ('\(LaunchOptions.onlyCores("2,3"))')."
  }

  private static func name(ofProcess process: Int32) -> String? {
    try? String(contentsOfFile: "/proc/\(process)/comm", encoding: .utf8)
  }
}
