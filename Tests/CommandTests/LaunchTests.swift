import Foundation
import Testing

/// The mpirun lines that scripts/launch assembles.
@Suite struct LaunchTests {
  private let scratch: ScratchFolder

  init() throws { scratch = try ScratchFolder() }

  private static let script =
    URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path + "/scripts/launch"
  private static let cores = ProcessInfo.processInfo.activeProcessorCount

  private func launch(_ words: String...) throws -> Outcome {
    try Program.run([Self.script] + words)
  }

  /// The line for some hosts, without the program that it ends with.
  private func line(_ words: String...) throws -> String {
    let outcome = try Program.run(
      [Self.script, "--print", "--program", "/bin/true"] + words + [
        "--data", "D", "--out", "a run",
      ])
    #expect(outcome.code == 0 && outcome.error.isEmpty, "\(outcome.error)")
    let end = " /bin/true --data D --out 'a run'\n"
    #expect(outcome.output.hasSuffix(end), "\(outcome.output)")
    return String(outcome.output.dropLast(end.count))
  }

  @Test func oneHostNeedsNoNetworkOptions() throws {
    let binding =
      Self.cores >= 2
      ? "--map-by slot:PE=\(Self.cores / 2) --bind-to core"
      : "--map-by slot --bind-to none --oversubscribe"
    #expect(try line("--hosts", "alone") == "mpirun -np 2 --host alone:2 \(binding)")
  }

  @Test func moreRanksThanCoresAreNotBound() throws {
    let ranks = Self.cores + 1
    #expect(
      try line("--hosts", "alone:\(ranks)")
        == "mpirun -np \(ranks) --host alone:\(ranks) --map-by slot --bind-to none --oversubscribe")
  }

  private let network =
    "--mca btl_tcp_if_include ib0 --mca oob_tcp_if_include ib0 --mca btl_tcp_links 2 --mca "
    + "oob_tcp_keepalive_time 10 --mca oob_tcp_keepalive_intvl 5 --mca oob_tcp_keepalive_probes 3 "
    + "--mca plm_rsh_args '-o ConnectTimeout=10 -o ServerAliveInterval=8 -o ServerAliveCountMax=3'"

  @Test func eachHostGetsAReplica() throws {
    #expect(
      try line("--hosts", "node1,node2,node3", "--cores", "80", "--interface", "ib0")
        == "mpirun -np 6 --host node1:2,node2:2,node3:2 --map-by slot:PE=80 --bind-to core "
        + network)
  }

  @Test func oneSlotPerHostPutsATowerOnEach() throws {
    #expect(
      try line("--hosts", "a:1,b.example.org:1", "--cores", "1", "--interface", "ib0")
        == "mpirun -np 2 --host a:1,b.example.org:1 --map-by slot:PE=1 --bind-to core " + network)
  }

  @Test func aHostfileEqualsTheHostsOption() throws {
    let file = scratch.path + "/hosts"
    try "# two\n\nnode1 slots=4 max-slots=4\nnode2 slots=2\nnode3\n".write(
      toFile: file, atomically: true, encoding: .utf8)
    #expect(
      try line("--hostfile", file, "--cores", "1", "--interface", "ib0")
        == line("--hosts", "node1:4,node2:2,node3:1", "--cores", "1", "--interface", "ib0"))
  }

  @Test func hostfilesMayLimitSlotsAndNeedNotEndWithALine() throws {
    let file = scratch.path + "/hosts"
    try "node1 slots=2 max-slots=4\nnode2\tmax-slots=4\tslots=2\nnode3 max-slots=8\nnode4 slots=3"
      .write(
        toFile: file, atomically: true, encoding: .utf8)
    #expect(
      try line("--hostfile", file, "--cores", "1", "--interface", "ib0")
        == line("--hosts", "node1:2,node2:2,node3:1,node4:3", "--cores", "1", "--interface", "ib0"))
  }

  @Test func doctorStartsOnTheSameRanksAsTraining() throws {
    let outcome = try launch(
      "--print", "--doctor", "--program", "/bin/true", "--hosts", "a", "--data", "D")
    #expect(outcome.output.hasSuffix(" /bin/true doctor --data D\n"))
  }

  @Test func thePrintedCommandIsRun() throws {
    let outcome = try launch(
      "--hosts", "localhost:1", "--cores", "1", "--program", "/bin/echo", "x y")
    #expect(outcome.code == 0 && outcome.output.hasSuffix("\nx y\n"), "\(outcome.error)")
  }

  @Test(arguments: [
    ([], "name the hosts"), (["--hosts"], "--hosts needs a value"),
    (["--hosts", "a", "--hostfile", "f"], "give one of them"),
    (["--hostfile", "/nowhere"], "'/nowhere' cannot be read"),
    (["--hosts", "a,-oProxyCommand=x"], "'-oProxyCommand=x' is not the name of a host"),
    (["--hosts", "a;b"], "'a;b' is not the name of a host"),
    (["--hosts", "a:0"], "'0' is not a number of ranks for a"),
    (["--hosts", "a:2x"], "'2x' is not a number of ranks for a"),
    (["--hosts", "a", "--cores", "many"], "not 'many'"),
    (["--hosts", "a", "--program", "/nowhere"], "'/nowhere' is not there"),
    (["--hosts", "a,host.invalid"], "no network leads to 'host.invalid'"),
  ]) func impossibleLaunchesAreRefused(_ words: [String], _ sentence: String) throws {
    let program = words.contains("--program") ? [] : ["--program", "/bin/true"]
    let outcome = try Program.run([Self.script] + program + words)
    #expect(outcome.code == 64 && outcome.output.isEmpty)
    #expect(
      outcome.error.hasPrefix("launch: ") && outcome.error.contains(sentence), "\(outcome.error)")
  }
}
