import Foundation
import Launching
import MPI
import Options
import System

/// `alexnet launch`: training started on the ranks of one machine, of several, or of a batch job.
enum Launch: Subcommand {
  static let name = "launch"
  static let summary = "start a training on this machine's cores, on hosts, or as a batch job"

  private static let ranks = Option(
    "ranks", "N", .integer(in: 1...9999), default: "2 for each host",
    "All ranks; two are one replica.")
  private static let hosts = Option(
    "hosts", "A[:RANKS],B...", .text, "The hosts; two ranks each unless one says otherwise.")
  private static let hostfile = Option(
    "hostfile", "FILE", .path,
    "The same from a file of lines 'HOST slots=RANKS'; one rank where a line says no number.")
  private static let cores = Option(
    "cores", "N", .integer(in: 1...9999),
    default: "an equal part of this machine's cores, or of the job's", "Cores of each rank.")
  private static let interface = Option(
    "interface", "NAME", .text, default: "the one that leads to the other hosts",
    "The network between the hosts, by its interface or as 10.0.0.0/24.")
  private static let program = Option(
    "program", "PATH", .path, default: "the one beside this program",
    "alexnet-train, on all hosts under the same path.")
  private static let doctor = Flag(
    "doctor", "Examine the hosts by 'alexnet doctor' instead of training.")
  private static let print = Flag("print", "Print what would be run or submitted, and stop.")

  private static let scheduler = Option<BatchScript.Scheduler>(
    "scheduler", "slurm|pbs", .word, "Write a batch script and submit it, instead of starting.")
  private static let nodes = Option(
    "nodes", "N", .integer(in: 1...9999), default: "1", "Hosts of the job.")
  private static let time = Option(
    "time", "TIME", .timeWithUnit, default: "the batch system's",
    "The job's time limit (30m, 12h, 23:30:00).")
  private static let partition = Option(
    "partition", "NAME", .text, "The partition or queue.")
  private static let account = Option("account", "NAME", .text, "The account to charge.")
  private static let seeds = Option(
    "seeds", "A-B",
    Reading { word, option in
      let ends = word.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
      guard ends.count == 2, let first = ends[0], let last = ends[1], first >= 0, first <= last
      else {
        throw Failure(.usage, "--\(option) takes two numbers such as 1-5, not \(quoted(word)).")
      }
      return first...last
    }, "An ensemble: a job for each seed, which trains into RUN/seed-N.")
  private static let requeue = Flag(
    "requeue",
    "In a batch job: put it back into the queue when it has saved and is not finished. Batch "
      + "scripts do.")

  static let command = Command(
    "alexnet launch",
    overview: """
      Runs mpirun with the options that fit the machine: ranks fill one host after the other, each
      bound to cores of its own; several hosts talk over one network, by two connections, and the
      job ends half a minute after one of them falls silent. It prints the line that it runs.

      The first Ctrl-C or SIGTERM makes the ranks save and stop after the step that they are at
      (exit code 75); the second one ends them at once. Training goes on when the terminal is
      closed; Ctrl-Z halts it until 'fg' or 'bg'.

      In a job of Slurm or PBS it starts the job's ranks on the job's hosts.
      """,
    synopsis: "[options] [options of alexnet-train]", passesOn: true,
    groups: [
      ("Where", [ranks, hosts, hostfile, cores, interface]),
      ("What", [program, doctor, print]),
      ("Batch jobs", [scheduler, nodes, time, partition, account, seeds, requeue]),
    ])

  static func run(_ words: [String]) throws(Failure) {
    let arguments = try command.parse(words)
    guard LaunchOptions.canLaunch else {
      throw Failure(
        .usage,
        "'alexnet launch' writes lines for Open MPI's mpirun, and this program was built for "
          + "MPICH; start it by 'mpiexec -n 2 alexnet-train ...', on several hosts with "
          + "'-f HOSTFILE'.")
    }
    try check(arguments)
    let environment = { (name: String) in ProcessInfo.processInfo.environment[name] }
    if let scheduler = arguments[Self.scheduler] { return try submit(scheduler, arguments) }
    var problem: Failure?
    let job = BatchJob(environment) { path in
      do throws(Failure) { return try HostList.nodes(of: path) } catch {
        problem = error
        return []
      }
    }
    if let problem { throw problem }
    let line = try line(arguments, job)
    let text = line.words(
      try Self.words(arguments) + arguments.operands,
      passing: Child.trainerVariables, environment)
    let shown = text.map(shellWord).joined(separator: " ") + "\n"
    if arguments[print] { return try StandardStream.output.show(shown) }
    // The run has a log; a stream that cron has closed stops nothing.
    StandardStream.output.tell(escaped(shown, but: "\n"))
    LaunchLine.allowRoot()
    let code = try HeldJob.run(text, saves: !arguments[doctor]) { sentence in
      StandardStream.error.tell("alexnet launch: \(sentence)\n")
    }
    if code == ExitCode.savedUnfinished.rawValue, arguments[requeue], let job { putBack(job) }
    exit(code)
  }

  /// Puts a job back into the queue and ends this program; returns where the batch system does not
  /// do that, as PBS for nobody but its operators.
  private static func putBack(_ job: BatchJob) {
    StandardStream.output.tell("Saved and not finished: job \(job.id) goes back into the queue.\n")
    let problem: String
    do throws(Failure) {
      let code = try HeldJob.run(job.requeue, saves: false, say: { _ in })
      // The batch system may end the job before it has answered.
      if code == 0 || code == 128 + SIGTERM { exit(0) }
      problem = "\(quoted(job.requeue.joined(separator: " "))) ended with code \(code)."
    } catch { problem = error.message }
    StandardStream.error.tell(
      "alexnet launch: Job \(job.id) is not in the queue again: \(problem) Submit it again, and it "
        + "goes on from its checkpoint.\n")
  }

  /// What options say together.
  private static func check(_ arguments: Arguments) throws(Failure) {
    func refuse(_ one: any AnyOption, _ other: any AnyOption, _ why: String) throws(Failure) {
      guard arguments.has(one), arguments.has(other) else { return }
      throw Failure(
        .usage,
        "--\(one.declaration.name) and --\(other.declaration.name) exclude each other: \(why)."
      )
    }
    try refuse(hosts, hostfile, "both name the hosts")
    for named in [hosts, hostfile] {
      try refuse(ranks, named, "each host says its ranks, as in --hosts a:4,b:4")
      try refuse(scheduler, named, "the batch system chooses the hosts")
    }
    for option in [nodes, time, partition, account, seeds] as [any AnyOption]
    where arguments.has(option) && !arguments.has(scheduler) {
      throw Failure(
        .usage, "--\(option.declaration.name) is for batch jobs; add --scheduler slurm or pbs.")
    }
    try refuse(requeue, scheduler, "the script that is written puts itself back into the queue")
    try refuse(doctor, scheduler, "run 'alexnet launch --doctor' inside a job")
    // Behind the first option of the other program, one of this one's would be that program's.
    let own = Set(command.groups.flatMap(\.options).map { "--" + $0.declaration.name })
    for word in arguments.operands {
      let name = String(word.prefix { $0 != "=" })
      guard own.contains(name), name != "--help" else { continue }
      throw Failure(
        .usage,
        "\(name) is an option of alexnet launch; write it before those of alexnet-train.")
    }
  }

  private static func line(_ arguments: Arguments, _ job: BatchJob?) throws(Failure) -> LaunchLine {
    var interface = arguments[Self.interface]
    var place = LaunchLine.Place.here(ranks: arguments[ranks] ?? 2)
    if arguments.has(hosts) || arguments.has(hostfile) {
      let list =
        if let text = arguments[hosts] { try HostList(text) } else {
          try HostList(hostfile: arguments[hostfile] ?? "")
        }
      place = .hosts(list)
      if interface == nil, list.hosts.count > 1 {
        interface = try Route.interface(to: list.hosts.map(\.name))
      }
    } else if let job {
      place = .job(job, ranks: arguments[ranks] ?? job.allocation.ranks ?? 2 * job.allocation.hosts)
    }
    return LaunchLine(place, cores: arguments[cores], interface: interface)
  }

  /// The program on each rank.
  private static func words(_ arguments: Arguments) throws(Failure) -> [String] {
    if arguments[doctor] { return [arguments[program] ?? Child.beside("alexnet"), "doctor"] }
    let program = arguments[Self.program] ?? Child.beside("alexnet-train")
    guard access(program, X_OK) == 0 else {
      throw Failure(
        .inputMissing,
        "The program \(quoted(program)) is not there or cannot be run; name it with --program.")
    }
    return [program]
  }

  /// Writes a batch script, and hands it to the batch system.
  private static func submit(
    _ scheduler: BatchScript.Scheduler, _ arguments: Arguments
  ) throws(Failure) {
    var launcher = [Child.beside("alexnet"), "launch", "--requeue"]
    for (option, value) in [
      (interface.declaration, arguments[interface]), (program.declaration, arguments[program]),
    ] {
      if let value { launcher += ["--\(option.name)", value] }
    }
    let script = try BatchScript(
      scheduler, nodes: arguments[nodes] ?? 1, ranks: arguments[ranks], cores: arguments[cores],
      time: arguments[time], partition: arguments[partition], account: arguments[account],
      seeds: arguments[seeds], launcher: launcher, words: arguments.operands)
    if let warning = script.warning {
      StandardStream.error.tell("alexnet launch: warning: \(warning)\n")
    }
    if arguments[print] { return try StandardStream.output.write(script.text) }
    exit(try HeldJob.submit(script.text, by: scheduler.submission))
  }
}
