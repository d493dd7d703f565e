import Foundation
import Glibc
import TestSupport
import Testing

extension FaultTests {
  /// Ranks that are stopped for a while, or run more slowly than the others.
  @Suite struct PausedRank {
    private let training: FaultRun
    private var run: String { training.run }

    init() throws { training = try FaultRun() }

    @Test func aRankThatIsStoppedAndContinuedInTimeChangesNothing() throws {
      let words = try training.options(
        steps: 12, "--watchdog", "12", "--inject", "stop,rank=1,step=7,phase=forward")
      let (process, error) = try training.launchedWithErrors(words)
      try training.waitForRecords(7, of: process)
      sleep(4)
      for rank in training.processes where rank != process.processIdentifier {
        kill(rank, SIGCONT)
      }
      process.waitUntilExit()
      let said = try String(contentsOfFile: error, encoding: .utf8)
      #expect(process.terminationStatus == 0, "\(said)")
      #expect(said.components(separatedBy: "alexnet-train: warning: ").count == 2, "\(said)")
      // It does not wait, though its last heartbeat may have said so.
      #expect(!said.contains(" too;"), "\(said)")
      #expect(
        try training.contents(run + "/checkpoints/latest.safetensors")
          == training.undisturbed(steps: 12))
    }

    /// Steps of some length: a rank that is stopped while it waits anyway is not slow.
    @Test func aRankThatRunsForAThirdOfTheTimeIsNamedAtEachValidation() throws {
      let words = try training.options(steps: 24).map {
        ["16": "128", "1000": "12"][$0] ?? $0
      }
      let output = training.scratch.path + "/output"
      try Data().write(to: URL(fileURLWithPath: output))
      let process = try training.launched(
        words, output: FileHandle(forWritingTo: URL(fileURLWithPath: output)))
      try training.waitForRecords(1, of: process)
      let slow = try #require(
        training.processes.first { process in
          let environment = try? training.contents("/proc/\(process)/environ")
          return environment.map {
            String(decoding: $0, as: UTF8.self).contains("OMPI_COMM_WORLD_RANK=1\0")
          } ?? false
        })
      while process.isRunning, kill(slow, SIGSTOP) == 0 {
        usleep(100_000)
        kill(slow, SIGCONT)
        usleep(50_000)
      }
      process.waitUntilExit()
      let said = try String(contentsOfFile: output, encoding: .utf8)
      #expect(process.terminationStatus == 0, "\(said)")
      #expect(said.contains("The others wait for rank 1"), "\(said)")
      let alone = training.scratch.path + "/alone"
      #expect(try Program.train(ranks: 2, words.map { $0 == run ? alone : $0 }).code == 0)
      #expect(
        try training.contents(run + "/checkpoints/latest.safetensors")
          == training.contents(alone + "/checkpoints/latest.safetensors"))
    }

    /// A rank of a tool that falls silent ends the job, which then can be started again.
    @Test(arguments: ["prepare", "evaluate", "bench"])
    func aStoppedRankOfAToolIsNamedByTheOther(tool: String) throws {
      let pictures = try Pictures.small.get().path
      var words: [String]
      switch tool {
      case "prepare":
        words = ["--source", Pictures.fashion, "--out", training.scratch.path + "/made"]
        words += ["--size", "32"]
      case "evaluate":
        #expect(try Program.train(ranks: 2, training.options(steps: 5)).code == 0)
        words = [run, "--data", pictures + "/dataset", "--split", "train", "--crops", "10"]
      default:
        words = ["--network", "cifar-four-layer", "--batch-size", "16", "--steps", "10000"]
      }
      let error = training.scratch.path + "/error"
      try Data().write(to: URL(fileURLWithPath: error))
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      process.arguments =
        ["mpirun", "--oversubscribe", "-np", "2", "\(Program.folder)/alexnet", tool] + words
        + ["--watchdog", "3"]
      process.environment = Process.userEnvironment
      process.standardOutput = FileHandle.nullDevice
      process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: error))
      try process.runWithOpenSignals()
      // The ranks know each other when the second's heartbeats have a socket; half a second later
      // work is under way.
      var ranks: [Int32] = []
      while process.isRunning, ranks.count < 2 {
        ranks = training.children(of: process.processIdentifier)
        usleep(20_000)
      }
      let slowness = try FaultRun.slowness.get()
      usleep(UInt32(slowness * (tool == "evaluate" ? 700_000 : 1_500_000)))
      guard process.isRunning else {
        // Evaluating a few hundred pictures may be over by now, on a fast machine.
        #expect(tool == "evaluate" && process.terminationStatus == 0)
        return
      }
      let stopped = try #require(ranks.max())
      kill(stopped, SIGSTOP)
      process.waitUntilExit()
      let said = try String(contentsOfFile: error, encoding: .utf8)
      #expect(process.terminationStatus == 74, "\(said)")
      #expect(said.contains("has given no sign of life for 3 s"), "\(said)")
      // One that has ended and is not waited for yet has no words.
      func commandLine() -> Data? { try? training.contents("/proc/\(stopped)/cmdline") }
      for _ in 0..<50 where commandLine()?.isEmpty == false { usleep(100_000) }
      #expect(commandLine()?.isEmpty != false, "the stopped rank is left")
      if tool == "prepare" {
        let again = try Program.alexnet(ranks: 2, [tool] + words)
        #expect(again.code == 0, "\(again.error)")
      }
    }
  }
}
