import Launching
import System
import TestSupport
import Testing

/// mpirun's line for machines, hosts and batch jobs.
struct LaunchLineTests {
  private func line(
    _ place: LaunchLine.Place, cores: Int? = nil, of machine: Int = 8, interface: String? = nil,
    _ environment: [String: String] = [:]
  ) -> String {
    LaunchLine(place, cores: cores, machineCores: machine, interface: interface)
      .words(["prog"]) { environment[$0] }.joined(separator: " ")
  }

  @Test func coresAreSharedByTheRanksOfAHost() {
    #expect(line(.here(ranks: 2)) == "mpirun -np 2 --map-by slot:PE=4 --bind-to core prog")
    #expect(line(.here(ranks: 3)) == "mpirun -np 3 --map-by slot:PE=2 --bind-to core prog")
    #expect(
      line(.here(ranks: 2), of: 1)
        == "mpirun -np 2 --map-by slot --bind-to none --oversubscribe prog")
    #expect(
      line(.here(ranks: 2), cores: 3, of: 1)
        == "mpirun -np 2 --map-by slot:PE=3 --bind-to core prog")
  }

  /// Hardware threads are no cores, on any machine that hwloc can describe.
  @Test func coresAreCountedByTheTopology() {
    let machine = Processors(
      topology: Topology(synthetic: "package:2 core:4 pu:2"), mask: nil, quota: nil
    ) { _ in nil }
    #expect(
      line(.here(ranks: 2), of: machine.cores.count)
        == "mpirun -np 2 --map-by slot:PE=4 --bind-to core prog")
  }

  @Test func theMostCrowdedHostDecides() throws {
    #expect(
      line(.hosts(try HostList("a:4")))
        == "mpirun -np 4 --host a:4 --map-by slot:PE=2 --bind-to core prog"
    )
    let two = line(.hosts(try HostList("a:4,b")), interface: "ib0")
    #expect(two.hasPrefix("mpirun -np 6 --host a:4,b:2 --map-by slot:PE=2 --bind-to core --mca "))
    #expect(two.contains("btl_tcp_if_include ib0 --mca oob_tcp_if_include ib0"))
  }

  @Test func sshIsTheUsersWhereTheEnvironmentSaysSo() throws {
    let place = LaunchLine.Place.hosts(try HostList("a,b"))
    let own = "-o ConnectTimeout=10 -o ServerAliveInterval=8 -o ServerAliveCountMax=3 prog"
    #expect(line(place).hasSuffix(" --mca plm_rsh_args " + own))
    #expect(
      line(place, ["OMPI_MCA_plm_rsh_args": "-F x"]).hasSuffix(" --mca plm_rsh_args -F x " + own))
    #expect(!line(place, ["OMPI_MCA_plm_rsh_agent": "rsh"]).contains("plm_rsh_args"))
  }

  /// ssh passes no variable on, and a rank without it would train with other options.
  @Test func variablesThatStandForOptionsReachOtherHosts() throws {
    func words(_ place: LaunchLine.Place) -> [String] {
      LaunchLine(place, cores: nil, machineCores: 8, interface: nil)
        .words(["prog"], passing: ["ALEXNET_TRAIN_A", "ALEXNET_TRAIN_B"]) { _ in nil }
    }
    let passed = ["-x", "ALEXNET_TRAIN_A", "-x", "ALEXNET_TRAIN_B", "prog"]
    #expect(words(.hosts(try HostList("a,b"))).suffix(5) == passed[...])
    #expect(words(.hosts(try HostList("a"))).suffix(5) == passed[...])
    #expect(!words(.here(ranks: 2)).contains("-x"))
  }

  @Test func slurmsJobTellsTheRanksAndItsProcessorsAreNeverMoreThanTheCores() throws {
    // Four ranks on two nodes; eight processors each, which are hardware threads of four cores.
    let environment = [
      "SLURM_JOB_ID": "7", "SLURM_NTASKS": "4", "SLURM_TASKS_PER_NODE": "2(x2)",
      "SLURM_JOB_NUM_NODES": "2", "SLURM_CPUS_PER_TASK": "8",
    ]
    let job = try #require(BatchJob({ environment[$0] }) { _ in [] })
    #expect(
      job.allocation == BatchJob.Allocation(ranks: 4, ranksHere: 2, hosts: 2, processors: 8))
    let words = line(.job(job, ranks: 4))
    #expect(words.hasPrefix("mpirun -np 4 --map-by slot:PE=4 --bind-to core --mca btl_tcp_links 2"))
    #expect(!words.contains("--host") && !words.contains("plm_rsh_args"))
    #expect(job.requeue == ["scontrol", "requeue", "7"])
    // A whole node, whose two ranks are nobody's to say.
    let whole = try #require(BatchJob({ ["SLURM_JOB_ID": "7"][$0] }) { _ in [] })
    #expect(line(.job(whole, ranks: 2)) == "mpirun -np 2 --map-by slot:PE=4 --bind-to core prog")
  }

  /// salloc may leave the shell on a login node, whose cores are not the job's.
  @Test func aJobsProcessorsCountWhereTheShellIsOnAnotherMachine() throws {
    func words(processors: String) throws -> String {
      let environment = [
        "SLURM_JOB_ID": "7", "SLURM_NTASKS": "4", "SLURM_TASKS_PER_NODE": "2(x2)",
        "SLURM_JOB_NUM_NODES": "2", "SLURM_JOB_CPUS_PER_NODE": processors,
      ]
      let job = try #require(BatchJob({ environment[$0] }) { _ in [] })
      return line(.job(job, ranks: 4), of: 64)
    }
    #expect(
      try words(processors: "4(x2)").hasPrefix("mpirun -np 4 --map-by slot:PE=2 --bind-to core "))
    // One processor for two tasks.
    #expect(try words(processors: "1(x2)").contains(" --bind-to none --oversubscribe "))
  }

  @Test func pbsNamesItsHostsInAFile() throws {
    let environment = ["PBS_JOBID": "9.head", "PBS_NODEFILE": "/nodes", "NCPUS": "6"]
    let job = try #require(
      BatchJob({ environment[$0] }) { $0 == "/nodes" ? ["a", "a", "b", "b"] : [] })
    let words = line(.job(job, ranks: 4))
    #expect(words.hasPrefix("mpirun -np 4 --hostfile /nodes --map-by slot:PE=3 --bind-to core"))
    #expect(words.contains("plm_rsh_args") && job.requeue == ["qrerun", "9.head"])
    #expect(BatchJob({ _ in nil }) { _ in [] } == nil)
  }

  /// A device would be read for ever.
  @Test(arguments: ["/dev/zero", "/dev/null", "/nowhere/at/all", "/"])
  func aListOfHostsThatIsNoFileIsRefused(_ path: String) {
    #expect(throws: Failure.self) { try HostList.nodes(of: path) }
  }

  /// By whichever of its addresses.
  @Test func noNetworkLeadsToThisMachine() throws {
    #expect(throws: Failure.self) { try Route.interface(to: ["localhost", "host.invalid"]) }
    let own = try Program.run(["hostname", "-I"]).output.split { $0.isWhitespace }
      .map(String.init).filter { $0.contains(".") }
    #expect(throws: Failure.self) { try Route.interface(to: own + ["127.0.1.1"]) }
  }

  /// mpirun adds up the ranks of a host that is named again, as lists of batch systems do.
  @Test func aHostThatIsNamedAgainGetsMoreRanks() throws {
    #expect(try HostList("a,b:1,a:3").text == "a:5,b:1")
    #expect(try HostList("a:1,a:1,b:1,b:1").mostRanks == 2)
  }
}
