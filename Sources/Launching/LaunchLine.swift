import Glibc
import MPI
import System

/// The line that starts ranks: mpirun's options, and why each is there.
package struct LaunchLine: Sendable {
  /// Where the ranks run.
  package enum Place: Sendable, Equatable {
    /// On this machine.
    case here(ranks: Int)
    /// On named hosts.
    case hosts(HostList)
    /// On the hosts of the batch job.
    case job(BatchJob, ranks: Int)
  }

  private let place: Place
  private let cores: Int?
  private let machineCores: Int
  private let interface: String?

  /// Describes the line.
  /// - Parameters:
  ///   - place: Where the ranks run.
  ///   - cores: The cores of each rank; nil for an equal part of those of a host.
  ///   - machineCores: The cores of this machine that may be used; all hosts are taken to be alike.
  ///   - interface: The network between the hosts; nil where there is one only, or none.
  package init(
    _ place: Place, cores: Int?, machineCores: Int = Processors.own.cores.count, interface: String?
  ) {
    self.place = place
    self.cores = cores
    self.machineCores = machineCores
    self.interface = interface
  }

  /// Tells mpirun, which wants to be told, that root is meant.
  package static func allowRoot() {
    guard geteuid() == 0 else { return }
    for name in ["OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] {
      setenv(name, "1", 1)
    }
  }

  /// Whether ranks run on several hosts.
  private var crossesHosts: Bool {
    switch place {
    case .here: false
    case .hosts(let list): list.hosts.count > 1
    case .job(let job, _): job.allocation.hosts > 1
    }
  }

  /// mpirun's words.
  /// - Parameters:
  ///   - program: The program to run on each rank, and its words.
  ///   - variables: The names of variables that the ranks need; ssh passes none on by itself.
  ///   - environment: The value of a variable.
  /// - Returns: The whole line.
  package func words(
    _ program: [String], passing variables: [String] = [], _ environment: (String) -> String?
  ) -> [String] {
    var words = ["mpirun", "-np"]
    switch place {
    case .here(let ranks): words.append("\(ranks)")
    case .hosts(let list): words += ["\(list.ranks)", "--host", list.text]
    case .job(.slurm, let ranks): words.append("\(ranks)")
    case .job(.pbs(_, let file, _), let ranks): words += ["\(ranks)", "--hostfile", file]
    }
    // Ranks fill a host before the next one, each with cores of its own, so that the two towers of
    // a replica are neighbours; Open MPI by itself would bind each of two ranks to one core.
    words += binding.split(separator: " ").map(String.init)
    if crossesHosts {
      // One network by name: a docker0 that looks alike on two hosts makes ranks wait for ever.
      if let interface { words += Self.split(LaunchOptions.network(interface)) }
      // With one connection, exchanges in both directions take turns.
      words += Self.split(LaunchOptions.streams(2) ?? "") + Self.split(LaunchOptions.keepalive)
      // Slurm starts the ranks of its jobs.
      if case .job(.slurm, _) = place {} else { words += LaunchOptions.ssh(environment) }
    }
    if case .here = place {} else { words += variables.flatMap { ["-x", $0] } }
    return words + program
  }

  private var binding: String {
    if let cores { return LaunchOptions.cores(each: cores) }
    switch place {
    case .here(let ranks): return LaunchOptions.binding(cores: machineCores, ranks: ranks)
    case .hosts(let list):
      return LaunchOptions.binding(cores: machineCores, ranks: list.mostRanks)
    case .job(let job, _):
      // What the job was given may be counted in hardware threads: never more than there are.
      let given = job.allocation
      let most = machineCores / max(1, given.ranksHere)
      let each = min(given.processors ?? most, most)
      return each >= 1 ? LaunchOptions.cores(each: each) : LaunchOptions.sharing
    }
  }

  private static func split(_ options: String) -> [String] {
    options.split(separator: " ").map(String.init)
  }
}
