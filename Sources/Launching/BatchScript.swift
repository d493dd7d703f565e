package import System

/// A script for a batch system that starts a training, or goes on with it, over as many time limits
/// and preemptions as it takes.
package struct BatchScript: Sendable {
  /// A batch system.
  package enum Scheduler: String, CaseIterable, Sendable {
    /// Slurm.
    case slurm
    /// OpenPBS and PBS Pro.
    case pbs

    /// The command that takes a script from its standard input.
    package var submission: String { self == .slurm ? "sbatch" : "qsub" }

    /// The variable that numbers the jobs of an array.
    fileprivate var arrayVariable: String {
      self == .slurm ? "SLURM_ARRAY_TASK_ID" : "PBS_ARRAY_INDEX"
    }
  }

  /// The batch system.
  package let scheduler: Scheduler
  /// Hosts.
  package let nodes: Int
  /// Ranks of each host.
  package let ranksPerNode: Int
  /// Processors of each rank; nil for whole hosts.
  package let cores: Int?
  /// The time limit in seconds; nil for the batch system's own.
  package let time: Double?
  /// The partition or queue.
  package let partition: String?
  /// The account.
  package let account: String?
  /// The seeds of an ensemble, a job each; nil for one job.
  package let seeds: ClosedRange<Int>?
  /// This program with its options, which the script starts.
  package let launcher: [String]
  /// The words for the program that is launched.
  package let words: [String]

  /// Describes a script.
  /// - Throws: `Failure` (usage) where something is missing.
  package init(
    _ scheduler: Scheduler, nodes: Int, ranks: Int?, cores: Int?, time: Double?,
    partition: String?, account: String?, seeds: ClosedRange<Int>?, launcher: [String],
    words: [String]
  ) throws(Failure) {
    let ranks = ranks ?? 2 * nodes
    guard ranks % nodes == 0 else {
      throw Failure(
        .usage,
        "\(ranks) ranks cannot be spread evenly over \(nodes) nodes; choose another --ranks.")
    }
    guard scheduler == .slurm || cores != nil else {
      throw Failure(.usage, "PBS gives a job as many cores as it asks for: add --cores N.")
    }
    guard Self.place(of: "--out", in: words) != nil else {
      throw Failure(
        .usage, "A job that goes on after its time limit needs to know its run: add --out RUN.")
    }
    try Self.check(words, seeds: seeds, scheduler)
    for (option, name) in [("partition", partition), ("account", account)] {
      guard name?.contains(where: { $0.isWhitespace }) != true else {
        throw Failure(.usage, "--\(option) takes a name without spaces.")
      }
    }
    self.scheduler = scheduler
    self.nodes = nodes
    ranksPerNode = ranks / nodes
    self.cores = cores
    self.time = time
    self.partition = partition
    self.account = account
    self.seeds = seeds
    self.launcher = launcher
    self.words = words
  }

  /// The largest number of a job of an array: Slurm's MaxArraySize is 1001 where nobody has raised
  /// it, and PBS has more.
  private static let mostSeed = 1000

  /// Refuses what the training would refuse, but only when the job runs.
  private static func check(
    _ words: [String], seeds: ClosedRange<Int>?, _ scheduler: Scheduler
  ) throws(Failure) {
    func has(_ option: String) -> Bool {
      words.contains { $0 == option || $0.hasPrefix(option + "=") }
    }
    if let seeds {
      guard seeds.lowerBound >= 0, seeds.upperBound <= mostSeed else {
        throw Failure(
          .usage,
          "--seeds takes seeds from 0 to \(mostSeed): each is the number of a job in an array, and "
            + "Slurm numbers no more (MaxArraySize 1001) unless it is told to.")
      }
      guard !has("--seed") else {
        throw Failure(
          .usage, "--seeds gives each job a seed of its own; leave out --seed.")
      }
    }
    for option in ["--find-rate", "--dry-run"] where has(option) {
      throw Failure(
        .usage,
        "\(option) trains no run that a batch job could go on with; give it to alexnet-train, or to "
          + "alexnet launch without --scheduler.")
    }
    if let place = words.firstIndex(where: { $0 == "--resume" || $0 == "--resume=" }),
      words[place] == "--resume=" || !["auto", "latest-good"].contains(words[(place + 1)...].first)
    {
      throw Failure(
        .usage,
        "--resume alone ends the first job, which has no run to continue; write --resume auto, or "
          + "leave it out: batch scripts start a run or go on with it.")
    }
  }

  /// What the user should know before the script is submitted; nil for nothing.
  package var warning: String? {
    guard scheduler == .pbs, time == nil, Self.place(of: "--max-time", in: words) == nil else {
      return nil
    }
    return "PBS gives no sign before it ends a job, so this one will lose what it has done since "
      + "its last checkpoint; add --time, before whose end the run saves."
  }

  /// Seconds before the end of the job at which the run saves: what a step and a save take at most.
  private var lead: Int { min(180, Int((time ?? 86_400) / 3)) }

  /// The script.
  package var text: String {
    let options = scheduler == .slurm ? slurm : pbs
    // A request to save that comes before the launcher listens must not end the job, which would be
    // gone from the queue then.
    let start = ["trap '' USR1"] + (scheduler == .slurm ? [] : pbsStart)
    // The launcher takes the script's place, so that the batch system's signals reach it.
    return
      (["#!/bin/bash"] + options + start + ["exec " + command]).joined(separator: "\n") + "\n"
  }

  /// What a script of PBS does first.
  ///
  /// PBS starts it in the user's home. Where threads are asked for, as here, PBS sets NCPUS to the
  /// processors of a rank, and otherwise to those of the host, which `BatchJob` expects.
  private var pbsStart: [String] {
    ["cd \"$PBS_O_WORKDIR\" || exit 66", "export NCPUS=\((cores ?? 1) * ranksPerNode)"]
  }

  private var slurm: [String] {
    var options = [
      "--job-name=alexnet-train", "--nodes=\(nodes)", "--ntasks=\(nodes * ranksPerNode)",
      "--ntasks-per-node=\(ranksPerNode)",
      cores.map { "--cpus-per-task=\($0)" } ?? "--exclusive",
    ]
    if let time { options.append("--time=\(Self.clock(time))") }
    if let partition { options.append("--partition=\(partition)") }
    if let account { options.append("--account=\(account)") }
    if let seeds { options.append("--array=\(seeds.lowerBound)-\(seeds.upperBound)") }
    options += [
      "--signal=B:USR1@\(lead)", "--requeue", "--open-mode=append",
      "--output=alexnet-train-\(seeds == nil ? "%j" : "%A_%a").out",
    ]
    return options.map { "#SBATCH " + $0 }
  }

  private var pbs: [String] {
    let cores = cores ?? 1
    var options = [
      "-N alexnet-train",
      "-l select=\(nodes):ncpus=\(cores * ranksPerNode):mpiprocs=\(ranksPerNode):ompthreads=\(cores)",
      "-l place=scatter",
    ]
    if let time { options.append("-l walltime=\(Self.clock(time))") }
    if let partition { options.append("-q \(partition)") }
    if let account { options.append("-A \(account)") }
    if let seeds { options.append("-J \(seeds.lowerBound)-\(seeds.upperBound)") }
    options += ["-r y", "-j oe", "-V"]
    return options.map { "#PBS " + $0 }
  }

  /// `hours:minutes:seconds`, which both read.
  private static func clock(_ seconds: Double) -> String {
    let whole = Int(seconds.rounded(.up))
    let parts = [whole / 3600, whole / 60 % 60, whole % 60]
    return parts.map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: ":")
  }

  private var command: String {
    var words = words.map(shellWord)
    if seeds != nil, let place = Self.place(of: "--out", in: self.words) {
      let variable = "\"$\(scheduler.arrayVariable)\""
      words[place] += "/seed-" + variable
      words += ["--seed", variable]
    }
    if !self.words.contains(where: { $0 == "--resume" || $0.hasPrefix("--resume=") }) {
      words += ["--resume", "auto"]
    }
    // PBS gives no early sign.
    if scheduler == .pbs, let time, Self.place(of: "--max-time", in: self.words) == nil {
      words += ["--max-time", "\(Int(time) - lead)"]
    }
    return (launcher.map(shellWord) + words).joined(separator: " ")
  }

  /// Where an option's value stands, or the option with its value.
  private static func place(of option: String, in words: [String]) -> Int? {
    if let place = words.firstIndex(where: { $0.hasPrefix(option + "=") }) { return place }
    return words.firstIndex(of: option).map { $0 + 1 }.flatMap { $0 < words.count ? $0 : nil }
  }
}
