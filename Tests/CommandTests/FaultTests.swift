import Foundation
import Glibc
import Synchronization
import TestSupport
import Testing

/// Faults of every kind in running trainings: the exit code, the sentence, the time it takes, and what is left.
@Suite(.serialized) struct FaultTests {
  private let scratch: ScratchFolder
  private let run: String

  init() throws {
    scratch = try ScratchFolder()
    run = scratch.path + "/run"
  }

  private func options(steps: Int, _ more: String...) throws -> [String] {
    [
      "--data", try Pictures.small.get().path + "/dataset", "--network", "cifar-four-layer",
      "--batch-size", "16", "--threads", "1", "--learning-rate", "0.001", "--out", run,
      "--max-steps", "\(steps)", "--checkpoint-every", "5", "--validate-every", "1000",
    ] + more
  }

  private var checkpoints: [String] {
    get throws {
      try FileManager.default.contentsOfDirectory(atPath: run + "/checkpoints").sorted()
    }
  }

  private func contents(_ path: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: path))
  }

  private static let known = Mutex<[Int: Data]>([:])

  /// The checkpoint at the end of a run of so many steps that nothing disturbed.
  private func undisturbed(steps: Int) throws -> Data {
    if let known = Self.known.withLock({ $0[steps] }) { return known }
    let other = scratch.path + "/undisturbed"
    var words = try options(steps: steps)
    words[words.firstIndex(of: run) ?? 0] = other
    #expect(try Program.train(ranks: 2, words).code == 0)
    let data = try contents(other + "/checkpoints/latest.safetensors")
    Self.known.withLock { $0[steps] = data }
    return data
  }

  /// No process of the run is left, a moment after mpirun has gone.
  private func expectNothingLeft() {
    var left: [String] = []
    for _ in 0..<50 {
      let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
      left = all.filter { name in
        let words = Int(name) == nil ? nil : try? contents("/proc/\(name)/cmdline")
        return words.map { String(decoding: $0, as: UTF8.self).contains(run) } ?? false
      }
      if left.isEmpty { return }
      usleep(100_000)
    }
    #expect(left.isEmpty, "processes are left")
  }

  @Test(arguments: [
    ("kill", "reading images"), ("kill", "exchange"), ("segv", "update"), ("exit", "backward"),
    ("trap", "saving"),
  ]) func aRankThatDiesEndsAllAndTheRunGoesOnAsIfItHadNot(fault: String, phase: String) throws {
    let outcome = try Program.train(
      ranks: 2,
      options(
        steps: 12, "--inject", "\(fault),rank=1,step=\(phase == "saving" ? 5 : 7),phase=\(phase)"))
    #expect(outcome.code != 0)
    expectNothingLeft()
    #expect(try Program.train(ranks: 2, options(steps: 12, "--resume", "auto")).code == 0)
    #expect(try contents(run + "/checkpoints/latest.safetensors") == undisturbed(steps: 12))
  }

  @Test(arguments: [0, 1]) func anErrorOnOneRankEndsAllWithItsSentenceLast(rank: Int) throws {
    let outcome = try Program.train(
      ranks: 2, options(steps: 1000, "--inject", "error,rank=\(rank),step=3"))
    #expect(outcome.code == 70)
    #expect(outcome.error.hasSuffix("injected\n"), "\(outcome.error)")
    #expect(!FileManager.default.fileExists(atPath: run + "/lock"))
    expectNothingLeft()
  }

  @Test(arguments: [0, 1]) func aStoppedRankIsNamedWithHostStepAndPhase(rank: Int) throws {
    let outcome = try Program.train(
      ranks: 2,
      options(steps: 1000, "--watchdog", "3", "--inject", "stop,rank=\(rank),step=7,phase=forward"))
    #expect(outcome.code == 74)
    #expect(outcome.error.contains("rank \(rank) ("), "\(outcome.error)")
    #expect(outcome.error.contains("has given no sign of life"), "\(outcome.error)")
    #expect(outcome.error.contains("step "))
    expectNothingLeft()
  }

  @Test func aRankThatIsOnlySlowIsWaitedFor() throws {
    let outcome = try Program.train(
      ranks: 2,
      options(steps: 12, "--watchdog", "12", "--inject", "sleep4,rank=1,step=7,phase=forward"))
    #expect(outcome.code == 0, "\(outcome.error)")
    #expect(outcome.error.contains("warning: rank 1"), "\(outcome.error)")
    #expect(try contents(run + "/checkpoints/latest.safetensors") == undisturbed(steps: 12))
  }

  // MARK: Stopping

  /// Time for a signal to arrive in, after eight steps.
  private let pause = "sleep1,rank=1,step=8,phase=reading"

  /// Starts a run and sends a signal to mpirun when it has come to a step.
  private func signal(
    _ signals: [Int32], atStep step: Int, _ words: [String]
  ) throws -> (code: Int32, output: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments =
      ["mpirun", "--oversubscribe", "-np", "2", "\(Program.folder)/alexnet-train"] + words
    process.environment = Process.userEnvironment
    let output = scratch.path + "/output"
    try Data().write(to: URL(fileURLWithPath: output))
    process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: output))
    process.standardError = FileHandle.nullDevice
    try process.runWithOpenSignals()
    while process.isRunning {
      let records = (try? String(contentsOfFile: run + "/metrics.jsonl", encoding: .utf8)) ?? ""
      if records.split(separator: "\n").count >= step { break }
      usleep(20_000)
    }
    for number in signals {
      kill(process.processIdentifier, number)
      usleep(100_000)
    }
    process.waitUntilExit()
    return (process.terminationStatus, try String(contentsOfFile: output, encoding: .utf8))
  }

  @Test func usr1SavesAfterTheSameStepAndTheRunGoesOnExactly() throws {
    let stopped = try signal(
      [SIGUSR1, SIGUSR1], atStep: 8, options(steps: 12, "--inject", pause))
    #expect(stopped.code == 75)
    #expect(stopped.output.contains("Saved step "), "\(stopped.output)")
    #expect(!FileManager.default.fileExists(atPath: run + "/lock"))
    #expect(try checkpoints.allSatisfy { !$0.hasSuffix(".partial") })
    #expect(try Program.train(ranks: 2, options(steps: 12, "--resume")).code == 0)
    #expect(try contents(run + "/checkpoints/latest.safetensors") == undisturbed(steps: 12))
  }

  @Test(arguments: [SIGTERM, SIGINT]) func aSignalThatEndsMpirunLeavesWholeCheckpoints(
    _ number: Int32
  ) throws {
    let stopped = try signal([number], atStep: 8, options(steps: 12, "--inject", pause))
    #expect(stopped.code == 1)
    expectNothingLeft()
    #expect(try checkpoints.allSatisfy { !$0.hasSuffix(".partial") })
    #expect(try Program.alexnet("verify", run).code == 0)
  }

  @Test func aTimeLimitSavesAndAutoStartsOrGoesOn() throws {
    let words = try options(steps: 100_000, "--resume", "auto", "--max-time", "3s")
    let first = try Program.train(ranks: 2, words)
    #expect(first.code == 75, "\(first.error)")
    let second = try Program.train(ranks: 2, words)
    #expect(second.code == 75)
    #expect(second.output.contains("Going on after step"), "\(second.output)")
  }

  // MARK: Diverging numbers

  @Test func aSpoiledWeightIsNamedAndNotSaved() throws {
    let outcome = try Program.train(
      ranks: 2, options(steps: 100, "--inject", "spoil,rank=1,step=7"))
    #expect(outcome.code == 79)
    #expect(outcome.error.contains("'fc10.bias' is no longer finite after the update of step 8"))
    #expect(outcome.error.split(separator: "\n").count == 1, "\(outcome.error)")
    #expect(try checkpoints == ["latest.safetensors", "step-00000005.safetensors"])
    #expect(try Program.alexnet("verify", run).code == 0)
  }

  @Test func aDivergedRunGoesBackWithHalfTheLearningRate() throws {
    let outcome = try Program.train(
      ranks: 2,
      options(steps: 12, "--on-divergence", "rollback", "--max-rollbacks", "60").map {
        ["0.001": "1e6", "5": "1000"][$0] ?? $0
      })
    #expect(outcome.code == 0, "\(outcome.error)")
    #expect(outcome.output.contains("back from step"), "\(outcome.output)")
    let text = try String(contentsOfFile: run + "/metrics.jsonl", encoding: .utf8)
    #expect(text.split(separator: "\n").count { $0.contains("\"kind\":\"step\"") } == 12)
    let limited = try Program.train(
      ranks: 2,
      options(steps: 12, "--on-divergence", "rollback", "--max-rollbacks", "1").map {
        ["0.001": "1e6", "5": "1000", run: run + "2"][$0] ?? $0
      })
    #expect(limited.code == 79)
    #expect(limited.error.contains("after going back once"), "\(limited.error)")
  }

  // MARK: Checkpoints

  @Test func aDamagedCheckpointIsRefusedByNameAndPassedOverWhenTold() throws {
    #expect(try Program.train(ranks: 2, options(steps: 10)).code == 0)
    let newest = run + "/checkpoints/step-00000010.safetensors"
    let whole = try contents(newest)
    // A bit in the middle of the weights, one in the header, and a file that ends too soon.
    var damaged: [Data] = []
    for place in [whole.count / 2, 3000] {
      var copy = whole
      copy[place] ^= 4
      damaged.append(copy)
    }
    damaged.append(whole.dropLast(4096))
    for copy in damaged {
      try copy.write(to: URL(fileURLWithPath: newest))
      let outcome = try Program.train(ranks: 2, options(steps: 15, "--resume"))
      #expect(outcome.code == 65, "\(outcome.error)")
      #expect(outcome.error.contains("step-00000010"), "\(outcome.error)")
      #expect(try Program.alexnet("verify", newest).code == 65)
    }
    let outcome = try Program.train(ranks: 2, options(steps: 15, "--resume", "latest-good"))
    #expect(outcome.code == 0, "\(outcome.error)")
    #expect(outcome.output.contains("Going on after step 5 of 15"), "\(outcome.output)")
    #expect(try contents(run + "/checkpoints/latest.safetensors") == undisturbed(steps: 15))
  }

  @Test func checkpointsAreKeptByAgeAndByError() throws {
    let words = try options(steps: 30, "--keep", "2").map { $0 == "1000" ? "5" : $0 }
    #expect(try Program.train(ranks: 2, words).code == 0)
    let names = try checkpoints
    #expect(names.contains("best.safetensors") && names.contains("latest.safetensors"))
    #expect(names.count { $0.hasPrefix("step-") } == 2)
    #expect(
      try contents(run + "/checkpoints/latest.safetensors")
        == contents(run + "/checkpoints/step-00000030.safetensors"))
    for name in names {
      var status = stat()
      #expect(stat("\(run)/checkpoints/\(name)", &status) == 0 && status.st_mode & 0o777 == 0o600)
    }
    var status = stat()
    #expect(stat(run, &status) == 0 && status.st_mode & 0o777 == 0o700)
  }

  // MARK: One run, one folder

  @Test func linksAndOpenFoldersAreRefused() throws {
    #expect(try Program.train(ranks: 2, options(steps: 5)).code == 0)
    let words = try options(steps: 10, "--resume")
    let target = scratch.path + "/target"
    try "untouched".write(toFile: target, atomically: true, encoding: .utf8)
    for name in [
      "checkpoints/latest.safetensors", "log.txt", "lock", "checkpoints/step-00000009.safetensors",
    ] {
      let path = "\(run)/\(name)"
      let kept = try? contents(path)
      try? FileManager.default.removeItem(atPath: path)
      try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: target)
      let outcome = try Program.train(ranks: 2, words)
      #expect(outcome.code == 73, "\(name): \(outcome.error)")
      #expect(outcome.error.contains("is a link"), "\(name): \(outcome.error)")
      try FileManager.default.removeItem(atPath: path)
      try kept?.write(to: URL(fileURLWithPath: path))
    }
    #expect(try String(contentsOfFile: target, encoding: .utf8) == "untouched")
    chmod(run, 0o777)
    let outcome = try Program.train(ranks: 2, words)
    #expect(outcome.code == 73)
    #expect(outcome.error.contains("chmod 700"), "\(outcome.error)")
  }

  @Test func aSecondRunInTheSameFolderIsRefusedAndADeadOwnersLockIsTakenOver() throws {
    let words = try options(steps: 100_000)
    let first = Process()
    first.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    first.arguments =
      ["mpirun", "--oversubscribe", "-np", "2", "\(Program.folder)/alexnet-train"] + words
    first.environment = Process.userEnvironment
    first.standardOutput = FileHandle.nullDevice
    first.standardError = FileHandle.nullDevice
    try first.runWithOpenSignals()
    while first.isRunning,
      !FileManager.default.fileExists(atPath: run + "/checkpoints/latest.safetensors")
    {
      usleep(20_000)
    }
    let second = try Program.train(ranks: 2, words + ["--resume"])
    #expect(second.code == 73)
    #expect(second.error.contains("in use by process "), "\(second.error)")
    #expect(second.error.contains(" on host "), "\(second.error)")
    kill(first.processIdentifier, SIGKILL)
    first.waitUntilExit()
    let third = try Program.train(ranks: 2, words + ["--resume", "--max-time", "4s"])
    #expect(third.code == 75, "\(third.error)")
    #expect(third.output.contains("which is gone"), "\(third.output)")
  }

  // MARK: Before the first step

  @Test func otherBuildsAndChangedSettingsAreNamed() throws {
    // A copy with a byte more is another build.
    let copy = scratch.path + "/alexnet-train"
    try (contents("\(Program.folder)/alexnet-train") + Data([0])).write(
      to: URL(fileURLWithPath: copy))
    chmod(copy, 0o700)
    let words = try options(steps: 5)
    let outcome = try Program.run(
      ["/usr/bin/env", "mpirun", "--oversubscribe", "-np", "1", "\(Program.folder)/alexnet-train"]
        + words
        + [":", "-np", "1", copy] + words)
    #expect(outcome.code == 76, "\(outcome.error)")
    #expect(outcome.error.contains("the program's SHA-256 is"), "\(outcome.error)")

    #expect(try Program.train(ranks: 2, words).code == 0)
    let changed = try options(steps: 10, "--resume", "--seed", "9").map {
      $0 == "0.001" ? "0.002" : $0
    }
    let refused = try Program.train(ranks: 2, changed)
    #expect(refused.code == 64)
    #expect(
      refused.error.contains("the learning rate was 0.001 and is 0.002; the seed was 1 and is 9"))
    #expect(refused.error.contains("--allow-changed learning-rate --allow-changed seed"))
    let allowed = try Program.train(ranks: 2, changed + ["--allow-changed", "learning-rate,seed"])
    #expect(allowed.code == 0, "\(allowed.error)")
    let other = try options(steps: 10, "--resume", "--variant", "tanh")
    let network = try Program.train(ranks: 2, other)
    #expect(network.code == 65, "\(network.error)")
    #expect(
      network.error.contains("was trained with the network 'cifar-four-layer'"), "\(network.error)")
  }
}
