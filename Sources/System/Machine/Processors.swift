import Glibc

/// What a process has to compute with: cores, hardware threads, a limit on processor time, and what
/// the user's environment asks for.
package struct Processors: Sendable {
  /// A number of threads that the environment asks for.
  package struct Wish: Sendable, Equatable {
    /// The variable.
    package let name: String
    /// The threads.
    package let threads: Int
  }

  /// The hardware threads on which the process may run.
  package let hardwareThreads: [Int]
  /// The cores to which these belong.
  package let cores: [Int]
  /// All cores of the machine, or of the container.
  package let machineCores: [Int]
  /// The number of all hardware threads of the machine, or of the container.
  package let machineThreads: Int
  /// The processors' worth of time that control groups allow; nil for no limit.
  package let quota: Double?
  /// The threads that the environment asks for.
  package let wish: Wish?

  /// Those of this process; `mpirun -np 2` binds each rank to one core unless told otherwise,
  /// whatever the machine has.
  package static let own = Processors()

  /// Counts what there is.
  /// - Parameters:
  ///   - topology: The machine.
  ///   - mask: The hardware threads on which the process may run; nil if that is not known.
  ///   - quota: The processors' worth of time that control groups allow.
  ///   - environment: The value of a variable.
  package init(
    topology: Topology = .machine, mask: [Int]? = Affinity.threads(ofProcess: 0),
    quota: Double? = ControlGroups().processorTime,
    environment: (String) -> String? = { getenv($0).map { String(cString: $0) } }
  ) {
    // A machine that is only described binds nobody.
    let bound = topology.isOfThisMachine ? mask.map(Set.init) : nil
    let all = topology.threads
    let usable = all.filter { bound?.contains($0) ?? true }
    hardwareThreads = usable.isEmpty ? all : usable
    cores = topology.cores(ofThreads: hardwareThreads)
    machineCores = topology.cores
    machineThreads = all.count
    self.quota = quota
    wish =
      Self.wishes.compactMap { name in
        // OpenMP takes a list, a number for each level; the first counts here.
        environment(name)?.split(separator: ",").first
          .flatMap { Int($0.filter { $0 != " " }) }
          .flatMap { (1...Self.mostWished).contains($0) ? Wish(name: name, threads: $0) : nil }
      }.first
  }

  /// In the order in which OpenBLAS reads them.
  private static let wishes = ["OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"]
  private static let mostWished = 1024

  /// Hardware threads of a core.
  package var threadsPerCore: Int {
    max(1, machineThreads / max(1, machineCores.count))
  }

  /// The threads to compute with where the process has its cores to itself: what was wished, or one
  /// for each core, as far as control groups give time.
  package var threads: Int { wish?.threads ?? Self.threads(cores: cores.count, quota: quota) }

  /// One thread for each core, as far as there is time for them.
  ///
  /// A thread that is out of time stops until the next period, and all others wait for it: a part
  /// of a processor is worth less than none.
  package static func threads(cores: Int, quota: Double?) -> Int {
    max(1, min(cores, wholeProcessors(quota) ?? cores))
  }

  /// The whole processors' worth of time; nil for no limit.
  package static func wholeProcessors(_ quota: Double?) -> Int? {
    quota.map { Int(min($0 + 0.05, 1e6)) }
  }
}
