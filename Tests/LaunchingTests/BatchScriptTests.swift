import Launching
import System
import Testing

/// What is handed to batch systems.
struct BatchScriptTests {
  private func script(
    _ scheduler: BatchScript.Scheduler, nodes: Int = 1, ranks: Int? = nil, cores: Int? = 8,
    time: Double? = nil, partition: String? = nil, account: String? = nil,
    seeds: ClosedRange<Int>? = nil, _ words: [String] = ["--data", "a b", "--out", "run"]
  ) throws -> String {
    try BatchScript(
      scheduler, nodes: nodes, ranks: ranks, cores: cores, time: time, partition: partition,
      account: account, seeds: seeds, launcher: ["/x/alexnet", "launch", "--requeue"], words: words
    ).text
  }

  @Test func slurmsScript() throws {
    #expect(
      try script(
        .slurm, nodes: 2, time: 86_400, partition: "cpu", account: "lab") == """
          #!/bin/bash
          #SBATCH --job-name=alexnet-train
          #SBATCH --nodes=2
          #SBATCH --ntasks=4
          #SBATCH --ntasks-per-node=2
          #SBATCH --cpus-per-task=8
          #SBATCH --time=24:00:00
          #SBATCH --partition=cpu
          #SBATCH --account=lab
          #SBATCH --signal=B:USR1@180
          #SBATCH --requeue
          #SBATCH --open-mode=append
          #SBATCH --output=alexnet-train-%j.out
          trap '' USR1
          exec /x/alexnet launch --requeue --data 'a b' --out run --resume auto

          """)
  }

  @Test func pbssScript() throws {
    #expect(
      try script(.pbs, nodes: 2, time: 3600, partition: "q", account: "lab") == """
        #!/bin/bash
        #PBS -N alexnet-train
        #PBS -l select=2:ncpus=16:mpiprocs=2:ompthreads=8
        #PBS -l place=scatter
        #PBS -l walltime=01:00:00
        #PBS -q q
        #PBS -A lab
        #PBS -r y
        #PBS -j oe
        #PBS -V
        trap '' USR1
        cd "$PBS_O_WORKDIR" || exit 66
        export NCPUS=16
        exec /x/alexnet launch --requeue --data 'a b' --out run --resume auto --max-time 3420

        """)
  }

  @Test func anEnsembleIsAnArrayOfJobs() throws {
    for (scheduler, variable, option) in [
      (BatchScript.Scheduler.slurm, "SLURM_ARRAY_TASK_ID", "#SBATCH --array=1-5\n"),
      (.pbs, "PBS_ARRAY_INDEX", "#PBS -J 1-5\n"),
    ] {
      let text = try script(scheduler, seeds: 1...5, ["--out=my runs", "--data", "d"])
      #expect(text.contains(option))
      #expect(
        text.contains("'--out=my runs'/seed-\"$\(variable)\" --data d --seed \"$\(variable)\""),
        "\(text)")
    }
  }

  @Test func whatTheUserSaysStays() throws {
    let text = try script(
      .pbs, time: 600, ["--out", "r", "--resume", "latest-good", "--max-time", "5m"])
    #expect(text.hasSuffix("--out r --resume latest-good --max-time 5m\n"))
    #expect(try script(.slurm, seeds: 0...1000).contains("--array=0-1000\n"))
    #expect(try script(.slurm, ["--out", "r", "--resume=auto"]).hasSuffix("--resume=auto\n"))
    // Whole nodes; a third of a short limit for the last save.
    let whole = try script(.slurm, cores: nil, time: 60)
    #expect(whole.contains("--exclusive\n") && whole.contains("B:USR1@20\n"))
    // One tower on each of two nodes.
    #expect(try script(.slurm, nodes: 2, ranks: 2).contains("--ntasks-per-node=1\n"))
  }

  /// The launcher that the script starts must find the cores that the script has asked for.
  @Test func pbssScriptSaysHowManyProcessorsItsHostsHave() throws {
    let lines = try script(.pbs, nodes: 2, cores: 8, time: 3600).split(separator: "\n")
    let line = try #require(lines.first { $0.hasPrefix("export NCPUS=") })
    let environment = [
      "PBS_JOBID": "9", "PBS_NODEFILE": "/nodes", "NCPUS": String(line.dropFirst(13)),
    ]
    let job = try #require(BatchJob({ environment[$0] }) { _ in ["a", "a", "b", "b"] })
    #expect(job.allocation.processors == 8)
  }

  @Test func jobsOfPBSWithoutATimeAreWarnedOf() throws {
    func warning(
      _ scheduler: BatchScript.Scheduler, _ time: Double?, _ words: [String] = []
    ) throws -> String? {
      try BatchScript(
        scheduler, nodes: 1, ranks: nil, cores: 8, time: time, partition: nil, account: nil,
        seeds: nil, launcher: ["alexnet"], words: ["--out", "r"] + words
      ).warning
    }
    #expect(try warning(.pbs, nil)?.contains("add --time") == true)
    #expect(try warning(.pbs, 3600) == nil)
    #expect(try warning(.pbs, nil, ["--max-time", "1h"]) == nil)
    #expect(try warning(.slurm, nil) == nil)
  }

  @Test func whatCannotBeIsRefused() {
    for (sentence, body) in [
      ("cannot be spread evenly", { _ = try script(.slurm, nodes: 2, ranks: 3) }),
      ("add --cores", { _ = try script(.pbs, cores: nil) }),
      ("add --out RUN", { _ = try script(.slurm, ["--data", "d"]) }),
      ("without spaces", { _ = try script(.slurm, partition: "a b") }),
      (
        "leave out --seed", { _ = try script(.slurm, seeds: 1...3, ["--out", "r", "--seed", "5"]) }
      ),
      ("leave out --seed", { _ = try script(.pbs, seeds: 1...3, ["--seed=5", "--out", "r"]) }),
      ("MaxArraySize 1001", { _ = try script(.slurm, seeds: 1...1001) }),
      ("MaxArraySize 1001", { _ = try script(.slurm, seeds: 1...Int.max) }),
      ("--find-rate trains no run", { _ = try script(.slurm, ["--out", "r", "--find-rate"]) }),
      ("--dry-run trains no run", { _ = try script(.pbs, ["--out", "r", "--dry-run"]) }),
      ("write --resume auto", { _ = try script(.slurm, ["--out", "r", "--resume"]) }),
      ("write --resume auto", { _ = try script(.pbs, ["--resume", "--out", "r"]) }),
    ] as [(String, () throws -> Void)] {
      do {
        try body()
        Issue.record("\(sentence) is missing")
      } catch {
        #expect("\(error)".contains(sentence), "\(error)")
      }
    }
  }
}
