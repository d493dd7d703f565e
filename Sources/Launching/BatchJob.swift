/// The batch job that this process runs in.
package enum BatchJob: Sendable, Equatable {
  /// Slurm's; mpirun asks Slurm for its hosts.
  case slurm(id: String, Allocation)
  /// PBS's, with the file that names its hosts, each as often as it has ranks.
  case pbs(id: String, hostfile: String, Allocation)

  /// What a job was given.
  package struct Allocation: Sendable, Equatable {
    /// The ranks that were asked for.
    package let ranks: Int?
    /// Those on this host.
    package let ranksHere: Int
    /// Hosts.
    package let hosts: Int
    /// Processors of each rank, which may be hardware threads; nil where nobody says.
    package let processors: Int?

    package init(ranks: Int?, ranksHere: Int, hosts: Int, processors: Int?) {
      self.ranks = ranks
      self.ranksHere = ranksHere
      self.hosts = hosts
      self.processors = processors
    }
  }

  /// Finds the job by the environment; nil where there is none.
  /// - Parameters:
  ///   - environment: The value of a variable.
  ///   - lines: The lines of a file.
  package init?(_ environment: (String) -> String?, lines: (String) -> [String]) {
    func number(_ name: String) -> Int? { environment(name).flatMap { Int($0) } }
    if let id = environment("SLURM_JOB_ID") {
      // 2(x3),1: this host is the first one.
      func ofFirstHost(_ name: String) -> Int? {
        environment(name).flatMap { Int($0.prefix { $0.isNumber }) }
      }
      let ranks = number("SLURM_NTASKS")
      let here = ranks == nil ? 2 : max(1, ofFirstHost("SLURM_TASKS_PER_NODE") ?? 1)
      // salloc's shell may run on a machine with other cores than the job has.
      let processors =
        number("SLURM_CPUS_PER_TASK") ?? ofFirstHost("SLURM_JOB_CPUS_PER_NODE").map { $0 / here }
      self = .slurm(
        id: id,
        Allocation(
          ranks: ranks, ranksHere: here, hosts: number("SLURM_JOB_NUM_NODES") ?? 1,
          processors: processors))
    } else if let id = environment("PBS_JOBID"), let file = environment("PBS_NODEFILE") {
      let hosts = lines(file).filter { !$0.isEmpty }
      let here = hosts.count { $0 == hosts[0] }
      self = .pbs(
        id: id, hostfile: file,
        Allocation(
          ranks: hosts.count, ranksHere: max(1, here), hosts: Set(hosts).count,
          // PBS sets a rank's number where a script asks for threads; our scripts set the host's.
          processors: number("NCPUS").map { $0 / max(1, here) }))
    } else {
      return nil
    }
  }

  /// What it was given.
  package var allocation: Allocation {
    switch self {
    case .slurm(_, let allocation), .pbs(_, _, let allocation): allocation
    }
  }

  /// The command that puts it back into the queue.
  package var requeue: [String] {
    switch self {
    case .slurm(let id, _): ["scontrol", "requeue", id]
    case .pbs(let id, _, _): ["qrerun", id]
    }
  }

  /// Its number.
  package var id: String {
    switch self {
    case .slurm(let id, _), .pbs(let id, _, _): id
    }
  }
}
