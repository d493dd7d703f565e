import Foundation
import Glibc
import TestSupport
import Testing

extension FaultTests {
  /// Trainings that `alexnet launch` holds.
  @Suite struct Launched {
    private let training: FaultRun
    private var run: String { training.run }

    init() throws { training = try FaultRun() }

    /// Starts a run by `alexnet launch`, behind some words.
    private func launched(
      _ words: [String], before: [String] = []
    ) throws -> (process: Process, output: String) {
      let output = training.scratch.path + "/output"
      try Data().write(to: URL(fileURLWithPath: output))
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      process.arguments = before + ["\(Program.folder)/alexnet", "launch", "--cores", "1"] + words
      process.environment = Process.userEnvironment
      let file = try FileHandle(forWritingTo: URL(fileURLWithPath: output))
      (process.standardOutput, process.standardError) = (file, file)
      try process.runWithOpenSignals()
      return (process, output)
    }

    private func text(_ path: String) throws -> String {
      try String(contentsOfFile: path, encoding: .utf8)
    }

    /// A step that takes longer than mpirun gives its ranks, and a hang-up before.
    @Test(arguments: [SIGINT, SIGTERM]) func theFirstSignalSavesHoweverLongTheStep(
      _ signal: Int32
    ) throws {
      let (process, output) = try launched(
        training.options(
          steps: 100_000, "--inject", "sleep4,rank=1,step=8,phase=reading", "--inject",
          FaultRun.timeToSave))
      try training.waitForRecords(8, of: process)
      kill(process.processIdentifier, SIGHUP)
      usleep(200_000)
      kill(process.processIdentifier, signal)
      usleep(900_000)
      #expect(try text(output).contains("the newest checkpoint is that of step 5"))
      process.waitUntilExit()
      let said = try text(output)
      #expect(process.terminationStatus == 75, "\(said)")
      #expect(said.contains("The ranks save and stop after this step"), "\(said)")
      #expect(said.contains("Saved step 9 of "), "\(said)")
      training.expectNothingLeft()
    }

    @Test func theSecondInterruptEndsAllAtOnce() throws {
      let (process, output) = try launched(
        training.options(steps: 100_000, "--inject", "sleep30,rank=1,step=8,phase=reading"))
      try training.waitForRecords(8, of: process)
      for _ in 0..<2 {
        kill(process.processIdentifier, SIGINT)
        usleep(300_000)
      }
      process.waitUntilExit()
      let said = try text(output)
      #expect(process.terminationStatus != 0 && process.terminationStatus != 75, "\(said)")
      #expect(said.contains("Ending the ranks at once"), "\(said)")
      // The step that was to go on for half a minute came to no end.
      #expect(try RunRecords(run).losses.count <= 8 && !said.contains("Saved step "), "\(said)")
      training.expectNothingLeft()
    }

    /// Signals that come before mpirun has started anything are not lost.
    @Test(arguments: [1, 10, 40, 150]) func aSignalAtTheStartStops(_ milliseconds: UInt32) throws {
      let (process, output) = try launched(training.options(steps: 100_000))
      usleep(1000 * milliseconds)
      kill(process.processIdentifier, SIGINT)
      process.waitUntilExit()
      // Before the program has looked for signals, they end it.
      let code = process.terminationStatus
      let isKilled = process.terminationReason == .uncaughtSignal
      let said = try text(output)
      #expect(code == 75 || isKilled && code == SIGINT, "\(code) \(said)")
      training.expectNothingLeft()
    }

    /// Whoever starts the launcher may have blocked signals, which is inherited.
    @Test func blockedSignalsReachTheRanks() throws {
      let block = "sigprocmask(SIG_BLOCK, POSIX::SigSet->new(SIGINT, SIGCHLD)); exec @ARGV"
      let (process, output) = try launched(
        training.options(steps: 100_000), before: ["perl", "-MPOSIX", "-e", block])
      try training.waitForRecords(8, of: process)
      kill(process.processIdentifier, SIGINT)
      process.waitUntilExit()
      let said = try text(output)
      #expect(process.terminationStatus == 75 && said.contains("Saved step "), "\(said)")
    }

    /// Clusters have scripts of this name: a signal must not end them, and must reach the real one.
    @Test func mpirunMayBeAScript() throws {
      try training.scratch.script(
        "mpirun", "#!/bin/sh\nPATH=${PATH#*:}\nmpirun \"$@\"\nexit $?\n")
      let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
      let (process, output) = try launched(
        training.options(steps: 100_000), before: ["PATH=\(training.scratch.path):\(path)"])
      try training.waitForRecords(8, of: process)
      kill(process.processIdentifier, SIGINT)
      process.waitUntilExit()
      let said = try text(output)
      #expect(process.terminationStatus == 75, "\(said)")
      #expect(said.contains("Saved step "), "\(said)")
      training.expectNothingLeft()
    }

    /// A launcher that is killed leaves no ranks.
    @Test func aKilledLauncherEndsTheRanks() throws {
      let (process, _) = try launched(training.options(steps: 100_000))
      try training.waitForRecords(8, of: process)
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
      training.expectNothingLeft()
      #expect(try Program.alexnet("verify", run).code == 0)
    }

    /// What a job of Slurm does at its time limit: it saves, and goes back into the queue.
    @Test func aJobThatHasSavedGoesBackIntoTheQueue() throws {
      try training.scratch.script("scontrol", "#!/bin/sh\necho scontrol $*\n")
      let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
      // mpirun must not look for the job.
      let (process, output) = try launched(
        ["--requeue"] + training.options(steps: 100_000),
        before: [
          "SLURM_JOB_ID=7", "SLURM_NTASKS=2", "SLURM_TASKS_PER_NODE=2", "SLURM_CPUS_PER_TASK=1",
          "OMPI_MCA_ras=^slurm", "OMPI_MCA_plm=rsh", "OMPI_MCA_ess=^slurm",
          "PATH=\(training.scratch.path):\(path)",
        ])
      try training.waitForRecords(8, of: process)
      kill(process.processIdentifier, SIGUSR1)
      process.waitUntilExit()
      let said = try text(output)
      #expect(process.terminationStatus == 0, "\(said)")
      #expect(said.contains("job 7 goes back into the queue.\nscontrol requeue 7\n"), "\(said)")
    }
  }
}
