import Foundation
import Glibc
import TestSupport
import Testing

extension FaultTests {
  /// Signals and time limits.
  @Suite struct Stopping {
    private let training: FaultRun
    private var run: String { training.run }

    init() throws { training = try FaultRun() }

    /// Time for a signal to arrive in, after eight steps.
    private let pause = "sleep1,rank=1,step=8,phase=reading"

    /// Starts a run and sends a signal to mpirun when it has come to a step.
    private func signal(
      _ signals: [Int32], atStep step: Int, _ words: [String]
    ) throws -> (code: Int32, output: String) {
      let output = training.scratch.path + "/output"
      try Data().write(to: URL(fileURLWithPath: output))
      let process = try training.launched(
        words, output: FileHandle(forWritingTo: URL(fileURLWithPath: output)))
      while process.isRunning {
        let records = (try? String(contentsOfFile: run + "/metrics.jsonl", encoding: .utf8)) ?? ""
        if records.split(separator: "\n").count >= step { break }
        usleep(20_000)
      }
      // The step is recorded before a rank comes to the pause that the tests hold it with, and a
      // save could still begin.
      usleep(200_000)
      for number in signals {
        kill(process.processIdentifier, number)
        usleep(100_000)
      }
      process.waitUntilExit()
      return (process.terminationStatus, try String(contentsOfFile: output, encoding: .utf8))
    }

    @Test func usr1SavesOnAllRanksAfterTheSameStepAndTheResumedRunIsBitIdentical() throws {
      let stopped = try signal(
        [SIGUSR1, SIGUSR1], atStep: 8, training.options(steps: 12, "--inject", pause))
      #expect(stopped.code == 75)
      #expect(stopped.output.contains("Saved step "), "\(stopped.output)")
      #expect(stopped.output.contains("is harmless: code 75"), "\(stopped.output)")
      #expect(!FileManager.default.fileExists(atPath: run + "/lock"))
      #expect(try training.checkpoints.allSatisfy { !$0.hasSuffix(".partial") })
      #expect(try Program.train(ranks: 2, training.options(steps: 12, "--resume")).code == 0)
      #expect(
        try training.contents(run + "/checkpoints/latest.safetensors")
          == training.undisturbed(steps: 12))
    }

    @Test(arguments: [SIGTERM, SIGINT]) func aSignalThatEndsMpirunLeavesCompleteCheckpoints(
      _ number: Int32
    ) throws {
      // Longer than mpirun waits before it kills the ranks, a second: no save has begun by then.
      let longPause = "sleep5,rank=1,step=8,phase=reading"
      let stopped = try signal(
        [number], atStep: 8,
        training.options(steps: 12, "--inject", longPause, "--inject", FaultRun.timeToSave))
      #expect(stopped.code == 1)
      // Said while the step goes on.
      #expect(
        stopped.output.contains("the newest checkpoint is that of step 5"), "\(stopped.output)")
      training.expectNothingLeft()
      #expect(try training.checkpoints.allSatisfy { !$0.hasSuffix(".partial") })
      #expect(try Program.alexnet("verify", run).code == 0)
    }

    /// No step stands in the way here: all is saved at mpirun's first notice.
    @Test func aTerminatedMpirunLeavesTimeForASave() throws {
      let stopped = try signal([SIGTERM], atStep: 8, training.options(steps: 100_000))
      #expect(stopped.code == 1)
      #expect(stopped.output.contains("Saved step "), "\(stopped.output)")
      training.expectNothingLeft()
      #expect(try Program.alexnet("verify", run).code == 0)
    }

    @Test(.timeLimit(.minutes(1))) func aSecondInterruptEndsAllAtOnce() throws {
      let stopped = try signal([SIGINT, SIGINT], atStep: 8, training.options(steps: 100_000))
      #expect(stopped.code != 0)
      training.expectNothingLeft()
      #expect(try Program.alexnet("verify", run).code == 0)
    }

    @Test func anInterruptedProcessWithoutMpirunSavesAndLeaves() throws {
      let (process, error) = try training.launchedWithErrors(
        training.options(steps: 100_000), ranks: nil)
      try training.waitForRecords(8, of: process)
      kill(process.processIdentifier, SIGINT)
      process.waitUntilExit()
      let said = try String(contentsOfFile: error, encoding: .utf8)
      #expect(process.terminationStatus == 75 && said.contains("Saved step "), "\(said)")
    }

    @Test func aRequestInAnyPhaseIsHonouredAndTheRunEndsAsIfThereHadBeenNone() throws {
      let words = try training.options(steps: 12).map { $0 == "1000" ? "6" : $0 }
      let phases = [
        "step=0,phase=agreement", "step=3,phase=reading images", "step=6,phase=validation",
      ]
      for (number, phase) in phases.enumerated() {
        let more = number == 0 ? [] : ["--resume", "auto"]
        let outcome = try Program.train(
          ranks: 2, words + more + ["--inject", "usr1,rank=1,\(phase)"])
        #expect(outcome.code == 75, "\(phase): \(outcome.error)")
        for name in try training.checkpoints {
          #expect(try Program.alexnet("verify", "\(run)/checkpoints/\(name)").code == 0)
        }
      }
      #expect(try Program.train(ranks: 2, words + ["--resume"]).code == 0)
      let undisturbed = training.scratch.path + "/whole"
      #expect(try Program.train(ranks: 2, words.map { $0 == run ? undisturbed : $0 }).code == 0)
      #expect(
        try training.contents(run + "/checkpoints/latest.safetensors")
          == training.contents(undisturbed + "/checkpoints/latest.safetensors"))
    }

    /// A shell's `fg` and Slurm's resume send SIGCONT, and mpirun the same to its ranks before it
    /// ends them.
    @Test func sigcontToMpirunSavesAndTrainingContinues() throws {
      let continued = try signal(
        [SIGCONT], atStep: 8, training.options(steps: 12, "--inject", pause))
      #expect(continued.code == 0, "\(continued.output)")
      #expect(continued.output.contains("as requested"), "\(continued.output)")
      #expect(
        try training.contents(run + "/checkpoints/latest.safetensors")
          == training.undisturbed(steps: 12))
    }

    /// Signals that come in the middle of a save, after the ranks have agreed on what to do next.
    @Test func aRequestDuringASaveIsNotLost() throws {
      let run = try Program.train(
        ranks: 2,
        training.options(steps: 8, "--inject", "usr2,rank=1,step=5,phase=saving"))
      #expect(run.code == 0, "\(run.error)")
      #expect(run.output.contains("Saving step 6, as requested"), "\(run.output)")
    }

    #if arch(x86_64)
      /// The dynamic linker alone is at work for longer than the first of these times, and on a
      /// busy machine for longer than the second.
      @Test(arguments: [SIGUSR1, SIGUSR2, SIGTERM, SIGINT, SIGHUP, SIGCONT, SIGXCPU])
      func aSignalDuringTheStartIsHandledOnceTheRunHasStarted(_ number: Int32) throws {
        for microseconds: UInt32 in [20_000, 60_000] {
          let process = Process()
          process.executableURL = URL(fileURLWithPath: "\(Program.folder)/alexnet-train")
          process.arguments = try training.options(steps: 3).map {
            $0 == run ? "\(run)-\(microseconds)" : $0
          }
          process.environment = Process.userEnvironment
          process.standardOutput = FileHandle.nullDevice
          process.standardError = FileHandle.nullDevice
          try process.runWithOpenSignals()
          usleep(microseconds)
          kill(process.processIdentifier, number)
          process.waitUntilExit()
          #expect(process.terminationReason == .exit, "\(microseconds) us")
          #expect(process.terminationStatus == ([SIGUSR2, SIGCONT].contains(number) ? 0 : 75))
        }
      }

      @Test(arguments: [0, 1]) func aSignalToOneRankDuringItsStartStopsAllRanks(rank: Int) throws {
        let mpirun = try training.launched(training.options(steps: 100_000))
        var ranks: [Int32] = []
        while ranks.count < 2, mpirun.isRunning {
          ranks = training.processes.filter { $0 != mpirun.processIdentifier }
        }
        usleep(20_000)
        kill(ranks.sorted()[rank], SIGUSR1)
        mpirun.waitUntilExit()
        #expect(mpirun.terminationReason == .exit && mpirun.terminationStatus == 75)
      }
    #endif

    /// The half line that a crash of the machine leaves goes; a line of somebody else's does not
    /// count.
    @Test func aResumedRunCutsOffIncompleteRecords() throws {
      #expect(try Program.train(ranks: 2, training.options(steps: 10)).code == 0)
      let path = run + "/metrics.jsonl"
      let whole = try String(contentsOfFile: path, encoding: .utf8)
      let lines = whole.split(separator: "\n").map(String.init)
      let notes = "looks good so far\n" + lines.dropLast(2).joined(separator: "\n") + "\n"
      try (notes + lines[lines.count - 2].prefix(20)).write(
        toFile: path, atomically: false, encoding: .utf8)
      let plot = try Program.alexnet("plot", run, "--width", "72")
      #expect(plot.code == 0 && plot.error.contains("2 lines of '"), "\(plot.error)")
      let outcome = try Program.train(ranks: 2, training.options(steps: 12, "--resume"))
      #expect(outcome.code == 0, "\(outcome.error)")
      #expect(
        outcome.output.contains("only \(lines.count - 2) of the \(lines.count) records"),
        "\(outcome.output)")
      let now = try String(contentsOfFile: path, encoding: .utf8)
      #expect(now.hasPrefix(notes))
      for line in now.split(separator: "\n").dropFirst() {
        #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(line.utf8)) }
      }
      let report = try Program.alexnet("report", run, "--images", "0")
      #expect(report.code == 0, "\(report.error)")
      #expect(report.error.contains("line 1 of '"), "\(report.error)")
    }

    @Test func maxTimeSavesAndResumeAutoStartsOrResumes() throws {
      let words = try training.options(steps: 100_000, "--resume", "auto", "--max-time", "3s")
      let first = try Program.train(ranks: 2, words)
      #expect(first.code == 75, "\(first.error)")
      let second = try Program.train(ranks: 2, words)
      #expect(second.code == 75)
      #expect(second.output.contains("Continuing after step"), "\(second.output)")
    }
  }
}
