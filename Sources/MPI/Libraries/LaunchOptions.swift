/// What to add to the line that starts a job, in complaints and advice.
///
/// A remedy that only one of the two libraries has is nil for the other.
package enum LaunchOptions {
  // MARK: What both libraries' launchers can do, in the words of each

  #if MPICH
    /// Whether `alexnet launch` can start ranks.
    package static let canLaunch = false

    /// The network by whose interface all ranks find and call each other.
    package static func network(_ interface: String = "NAME") -> String { "-iface \(interface)" }

    /// The network that messages take.
    package static func messages(over interface: String = "NAME") -> String { network(interface) }

    /// Streams between two hosts.
    package static func streams(_ count: Int) -> String? { nil }

    /// Plain streams and nothing cleverer between ranks, where MPICH was made with UCX, as
    /// Debian's was.
    package static let plainTransport = "-genv UCX_TLS tcp,self"

    /// Messages between the ranks of a host that are copied through shared memory.
    package static let copies: String? = nil

    /// Ranks that may use all cores.
    package static let unbound = "-bind-to none"

    /// So many cores of its own for each rank.
    package static func cores(each count: Int) -> String { "-bind-to core:\(count)" }

    /// Ranks that share the cores, however few there are.
    package static let sharing = unbound

    /// These cores and no others.
    package static func onlyCores(_ list: String) -> String { "-bind-to user:\(list)" }
  #else
    /// Whether `alexnet launch` can start ranks.
    package static let canLaunch = true

    /// The network by whose interface all ranks find and call each other.
    package static func network(_ interface: String = "NAME") -> String {
      "\(messages(over: interface)) --mca oob_tcp_if_include \(interface)"
    }

    /// The network that messages take.
    package static func messages(over interface: String = "NAME") -> String {
      "--mca btl_tcp_if_include \(interface)"
    }

    /// Streams between two hosts.
    package static func streams(_ count: Int) -> String? { "--mca btl_tcp_links \(count)" }

    /// Plain streams and nothing cleverer between ranks.
    package static let plainTransport = "--mca btl tcp,self"

    /// Messages between the ranks of a host that are copied through shared memory.
    package static let copies: String? = "--mca btl_vader_single_copy_mechanism none"

    /// Ranks that may use all cores.
    package static let unbound = "--bind-to none"

    /// So many cores of its own for each rank.
    package static func cores(each count: Int) -> String {
      "--map-by slot:PE=\(count) --bind-to core"
    }

    /// Ranks that share the cores, however few there are.
    package static let sharing = "--map-by slot --bind-to none --oversubscribe"

    /// These cores and no others.
    package static func onlyCores(_ list: String) -> String { "--cpu-set \(list)" }
  #endif

  /// An equal part of a host's cores for each of its ranks, or no binding where there are fewer
  /// cores than ranks: mpirun counts cores here, not hardware threads, and refuses more than there
  /// are.
  package static func binding(cores: Int, ranks: Int) -> String {
    cores >= ranks ? self.cores(each: cores / max(1, ranks)) : sharing
  }

  // MARK: What Open MPI's mpirun is given by `alexnet launch`

  /// Ends a job half a minute after a host has fallen silent, instead of eight.
  package static let keepalive =
    "--mca oob_tcp_keepalive_time 10 --mca oob_tcp_keepalive_intvl 5 --mca "
    + "oob_tcp_keepalive_probes 3"

  /// The same for ssh while it starts the ranks, where mpirun would wait for a quarter of an hour;
  /// longer than the other, which so ends a job that runs.
  ///
  /// Another program than ssh is the user's; what the environment asks of ssh comes first.
  /// - Returns: Words for mpirun; none where it does not start the ranks by ssh.
  package static func ssh(_ environment: (String) -> String?) -> [String] {
    let agent = environment("OMPI_MCA_plm_rsh_agent") ?? "ssh"
    guard agent == "ssh" || agent.hasSuffix("/ssh") else { return [] }
    let own = "-o ConnectTimeout=10 -o ServerAliveInterval=8 -o ServerAliveCountMax=3"
    let given = environment("OMPI_MCA_plm_rsh_args").map { $0 + " " } ?? ""
    return ["--mca", "plm_rsh_args", given + own]
  }

  // MARK: What the environment of a rank says

  /// What Open MPI 4's and 5's mpirun set for themselves.
  private static let internalNames = [
    "PREFIXES", "cpu_type", "ess", "initial_wdir", "mpi_oversubscribe", "mpi_yield", "num_procs",
    "orte_", "plm_rsh", "pmix", "rmaps", "shmem",
  ]

  /// Whether an environment variable was set by the launcher for its own use, and says nothing of
  /// what the user asked for: addresses, the job's keys.
  package static func isInternal(variable name: String) -> Bool {
    internalNames.contains { name.hasPrefix("OMPI_MCA_" + $0) }
  }
}
