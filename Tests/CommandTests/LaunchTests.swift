import Foundation
import TestSupport
import Testing

/// The mpirun lines and batch scripts of `alexnet launch`.
@Suite struct LaunchTests {
  private let scratch = TemporaryFolder()

  private func launch(_ words: String...) throws -> Outcome {
    try Program.alexnet(ranks: nil, ["launch"] + words)
  }

  /// The line for some hosts, without the program that it ends with, on a machine of some cores
  /// with two hardware threads each.
  private func line(_ words: String..., cores: Int = 4) throws -> String {
    let outcome = try Program.run(
      [Program.folder + "/alexnet", "launch", "--print", "--program", "/bin/true"] + words
        + ["--data", "D", "--out", "a run"],
      environment: ["HWLOC_SYNTHETIC": "core:\(cores) pu:2"])
    #expect(outcome.code == 0 && outcome.error.isEmpty, "\(outcome.error)")
    let end = " /bin/true --data D --out 'a run'\n"
    #expect(outcome.output.hasSuffix(end), "\(outcome.output)")
    return String(outcome.output.dropLast(end.count))
  }

  @Test func oneHostNeedsNoNetworkOptions() throws {
    #expect(
      try line("--hosts", "alone")
        == "mpirun -np 2 --host alone:2 --map-by slot:PE=2 --bind-to core")
  }

  @Test func moreRanksThanCoresAreNotBound() throws {
    let sharing = "--map-by slot --bind-to none --oversubscribe"
    for (ranks, cores) in [(5, 4), (2, 1)] {
      #expect(
        try line("--hosts", "alone:\(ranks)", cores: cores)
          == "mpirun -np \(ranks) --host alone:\(ranks) \(sharing)")
    }
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

  /// mpirun reads them so, and a number that were overlooked would leave one rank.
  @Test func hostfilesMayHaveBlanksAndOtherWordsForSlots() throws {
    let file = scratch.path + "/hosts"
    try "node1 slots = 4 # of 8\nnode2 count=2\nnode3 slots=1\r\nnode3 cpu =1\n".write(
      toFile: file, atomically: true, encoding: .utf8)
    #expect(
      try line("--hostfile", file, "--cores", "1", "--interface", "ib0")
        == line("--hosts", "node1:4,node2:2,node3:2", "--cores", "1", "--interface", "ib0"))
  }

  @Test(arguments: ["node1 4", "node1 slots", "node1 slots=", "node1 ranks=4", "node1 slots 4"])
  func whatAHostfileSaysBesidesIsRefused(_ text: String) throws {
    let file = scratch.path + "/hosts"
    try "node0 slots=2\n\(text)\n".write(toFile: file, atomically: true, encoding: .utf8)
    let outcome = try launch("--print", "--program", "/bin/true", "--hostfile", file)
    #expect(outcome.code == 64 && outcome.output.isEmpty, "\(outcome.output)")
    #expect(outcome.error.contains("in the line of 'node1' in '\(file)'"), "\(outcome.error)")
    #expect(outcome.error.contains("write 'HOST slots=RANKS'"), "\(outcome.error)")
  }

  /// As PBS answers users, and Slurm where requeueing is switched off.
  @Test func aJobThatIsNotPutBackSaysSoAndKeepsItsCode() throws {
    try scratch.script("scontrol", "#!/bin/sh\nexit 1\n")
    let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
    let outcome = try Program.run(
      [
        Program.folder + "/alexnet", "launch", "--requeue", "--ranks", "1", "--cores", "1",
        "--program", "/bin/sh", "-c", "exit 75",
      ],
      // mpirun must not look for the job.
      environment: [
        "SLURM_JOB_ID": "7", "SLURM_NTASKS": "1", "OMPI_MCA_ras": "^slurm", "OMPI_MCA_plm": "rsh",
        "OMPI_MCA_ess": "^slurm", "PATH": "\(scratch.path):\(path)",
      ])
    #expect(outcome.code == 75, "\(outcome.error)")
    #expect(
      outcome.error.contains(
        "Job 7 is not in the queue again: 'scontrol requeue 7' ended with code 1. Submit it again"),
      "\(outcome.error)")
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

  /// The line as it is printed is run, and its code is the launcher's.
  @Test func theProgramsCodeIsTheLaunchers() throws {
    let outcome = try launch("--ranks", "1", "--program", "/bin/sh", "-c", "exit 7")
    #expect(outcome.code == 7, "\(outcome.error)")
  }

  /// As cron may start it: mpirun would take the streams' numbers for files of its own.
  @Test func closedStreamsStopNothing() throws {
    let file = scratch.path + "/written"
    let outcome = try Program.run([
      "/bin/bash", "-c",
      "\"$0\" launch --ranks 1 --program /bin/sh -c 'echo x >\"$0\"' \"$1\" <&- >&- 2>&-",
      Program.folder + "/alexnet", file,
    ])
    #expect(outcome.code == 0)
    #expect(try String(contentsOfFile: file, encoding: .utf8) == "x\n")
  }

  @Test func aMissingMpirunIsNamedWithItsRemedy() throws {
    let outcome = try Program.run([
      "/usr/bin/env", "PATH=/nowhere", Program.folder + "/alexnet", "launch", "--program",
      "/bin/true",
    ])
    #expect(
      outcome.code == 66 && outcome.error.contains("'mpirun' cannot be started")
        && outcome.error.contains("module load"), "\(outcome.error)")
  }

  /// Another machine, as hwloc describes it.
  @Test func coresNotHardwareThreadsAreShared() throws {
    let outcome = try Program.run([
      "/usr/bin/env", "HWLOC_SYNTHETIC=core:6 pu:2", Program.folder + "/alexnet", "launch",
      "--print",
    ])
    #expect(outcome.output.contains("--map-by slot:PE=3 --bind-to core"), "\(outcome.output)")
  }

  /// Batch systems take the script from their standard input.
  @Test func theScriptIsSubmittedAsItIsPrinted() throws {
    let words = [
      "launch", "--scheduler", "slurm", "--time", "2h", "--data", "D", "--out", scratch.path,
    ]
    let printed = try Program.alexnet(
      ranks: nil, words[..<3] + ["--print"] + words[3...])
    #expect(printed.code == 0 && printed.output.contains("#SBATCH --time=02:00:00\n"))
    #expect(printed.output.contains("exec \(Program.folder)/alexnet launch --requeue --data D"))
    try scratch.script("sbatch", "#!/bin/sh\ncat\nexit 3\n")
    // A program that starts this one may ignore the ends of its children, which is inherited.
    let ignoring = ["perl", "-e", "$SIG{CHLD} = 'IGNORE'; exec @ARGV"]
    for starter in [[], ignoring] {
      let submitted = try Program.run(
        ["/usr/bin/env", "PATH=\(scratch.path):/usr/bin:/bin"] + starter
          + [Program.folder + "/alexnet"] + words)
      #expect(submitted.code == 3 && submitted.output == printed.output, "\(submitted.error)")
    }
  }

  @Test(arguments: [
    (64, ["--hosts"], "--hosts needs a value"),
    (64, ["--hosts", "a", "--hostfile", "f"], "exclude each other"),
    (64, ["--hosts", "a", "--ranks", "2"], "exclude each other"),
    (66, ["--hostfile", "/nowhere"], "'/nowhere'"),
    (64, ["--hosts", "a,-oProxyCommand=x"], "'-oProxyCommand=x' is not the name of a host"),
    (64, ["--hosts", "a;b"], "'a;b' is not the name of a host"),
    (64, ["--hosts", "a:0"], "'0' is not a number of ranks for 'a'"),
    (64, ["--hosts", "a:2x"], "'2x' is not a number of ranks for 'a'"),
    (64, ["--cores", "many"], "not 'many'"),
    (66, ["--program", "/nowhere"], "'/nowhere' is not there"),
    (64, ["--hosts", "localhost,host.invalid"], "No network leads to 'localhost', 'host.invalid'"),
    (64, ["--nodes", "2"], "add --scheduler"),
    (64, ["--data", "D", "--print"], "write it before those of alexnet-train"),
    (64, ["--scheduler", "pbs", "--out", "R"], "add --cores"),
    (64, ["--scheduler", "slurm", "--time", "60", "--out", "R"], "minutes to Slurm"),
  ]) func impossibleLaunchesAreRefused(_ code: Int, _ words: [String], _ sentence: String) throws {
    let program = words.contains("--program") ? [] : ["--program", "/bin/true"]
    let outcome = try Program.alexnet(ranks: nil, ["launch"] + program + words)
    #expect(Int(outcome.code) == code && outcome.output.isEmpty, "\(outcome.error)")
    #expect(
      outcome.error.hasPrefix("alexnet: ") && outcome.error.contains(sentence), "\(outcome.error)")
  }
}
