import Foundation
import TestSupport
import Testing

extension FaultTests {
  /// Files whose checksums are right and whose numbers no run has, and folders that have lost their
  /// checkpoints.
  @Suite struct ForgedFiles {
    private let training: FaultRun
    private var run: String { training.run }
    private var newest: String { run + "/checkpoints/step-00000010.safetensors" }

    /// A run of ten steps, of which each test has a copy.
    private static let trained = Result {
      let folder = TemporaryFolder.untilExit()
      let words = try FaultRun().options(steps: 10, out: folder.path + "/run")
      #expect(try Program.train(ranks: 2, words).code == 0)
      return folder
    }

    init() throws {
      training = try FaultRun()
      try FileManager.default.copyItem(
        atPath: Self.trained.get().path + "/run", toPath: training.run)
    }

    /// Changes a text of the newest checkpoint's header, checksum and all.
    private func forge(_ key: String, _ old: String, _ new: String) throws {
      try script("forge-text", newest, newest, key, old, new)
    }

    private func script(_ name: String, _ words: String...) throws {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      process.arguments =
        ["python3", "\(Program.repository)/scripts/testbed/\(name)"] + words
      try process.run()
      process.waitUntilExit()
      #expect(process.terminationStatus == 0)
    }

    @Test(arguments: [
      (#""step":10"#, #""step":9223372036854775807"#, "step = 9223372036854775807"),
      (#""step":10"#, #""step":1125899906842624"#, "step = 1125899906842624"),
      (#""step":10"#, #""step":-1"#, "step = -1"),
      (#""records":"#, #""records":-"#, "records = -"),
      (#""records":"#, #""records":90000000000000"#, "records = 9000"),
      (#""reductions":0"#, #""reductions":-1"#, "reductions = -1"),
      (
        #""deadLooks":0"#, #""deadLooks":9223372036854775807"#, "deadLooks = 9223372036854775807"
      ),
      (#""deadLooks":0,"steps":"#, #""deadLooks":0,"steps":-9"#, "the steps of a stall = -9"),
      (
        #""reductions":0"#, #""reductions":4611686018427387904"#, "reductions = 4611686018427387904"
      ),
    ])
    func anImpossibleTrainingStateIsRefused(_ old: String, _ new: String, _ words: String) throws {
      try forge("state", old, new)
      let records = try training.contents(run + "/metrics.jsonl")
      let outcome = try Program.train(ranks: 2, training.options(steps: 15, "--resume"))
      #expect(outcome.code == 65, "\(outcome.error)")
      #expect(
        outcome.error.contains("step-00000010.safetensors' says \(words)"), "\(outcome.error)")
      #expect(try training.contents(run + "/metrics.jsonl") == records)
    }

    /// Forged without a change the file passes: it is the number that is refused.
    @Test(arguments: ["nan", "inf", "same"])
    func aNumberThatIsNotFiniteIsRefusedWhateverTheChecksumsSay(number: String) throws {
      let whole = training.scratch.path + "/whole"
      try FileManager.default.copyItem(atPath: newest, toPath: whole)
      try script("forge-number", whole, newest, "conv1.weight", "7", number)
      let verified = try Program.alexnet("verify", newest)
      let resumed = try Program.train(ranks: 2, training.options(steps: 15, "--resume"))
      guard number != "same" else {
        #expect(verified.code == 0 && resumed.code == 0, "\(verified.error)\(resumed.error)")
        return
      }
      for outcome in [verified, resumed] {
        #expect(outcome.code == 65, "\(outcome.error)")
        #expect(outcome.error.contains("'conv1.weight'"), "\(outcome.error)")
        #expect(outcome.error.contains("\(number) as element 7"), "\(outcome.error)")
      }
    }

    @Test(arguments: [
      (#""batchSize":16"#, #""batchSize":1099511627776"#, "not '1099511627776'"),
      (#""threadsPerTower":1"#, #""threadsPerTower":0"#, "threadsPerTower = 0"),
      (#""threadsPerTower":1"#, #""threadsPerTower":100000"#, "threadsPerTower = 100000"),
      (#""towers":2"#, #""towers":0"#, "'towers' is 0"),
    ])
    func impossibleSettingsAreRefused(_ old: String, _ new: String, _ words: String) throws {
      try forge("settings", old, new)
      let outcome = try Program.alexnet(
        "evaluate", newest, "--data", Pictures.small.get().path + "/dataset")
      #expect(outcome.code == 65 && outcome.error.contains(words), "\(outcome.error)")
    }

    @Test(arguments: [
      (#""towers" : 2"#, #""towers" : -3"#), (#""stride" : 1"#, #""stride" : 0"#),
      (#""kernels" : 32"#, #""kernels" : 4611686018427387904"#),
      (#""groups" : 1"#, #""groups" : 0"#),
    ])
    func reportRefusesAnImpossibleNetwork(_ old: String, _ new: String) throws {
      let path = run + "/config.json"
      let text = try String(contentsOfFile: path, encoding: .utf8)
      #expect(text.contains(old))
      try text.replacing(old, with: new).write(toFile: path, atomically: true, encoding: .utf8)
      let outcome = try Program.alexnet(
        "report", run, "--images", "0", "--out", training.scratch.path + "/report.html")
      #expect(outcome.code == 65, "\(outcome.error)")
      #expect(outcome.error.contains("config.json' is damaged: The network"), "\(outcome.error)")
    }

    @Test(arguments: [
      ("formatVersion", "3", "4", "use the newer program that wrote it"),
      ("network", #""towers":2"#, #""towers":0"#, "'towers' is 0"),
    ])
    func anUndamagedCheckpointThatIsNotUnderstoodIsNotRenamed(
      _ key: String, _ old: String, _ new: String, _ words: String
    ) throws {
      try forge(key, old, new)
      let outcome = try Program.train(
        ranks: 2, training.options(steps: 15, "--resume", "latest-good"))
      #expect(outcome.code == 65, "\(outcome.error)")
      #expect(outcome.error.contains(words), "\(outcome.error)")
      #expect(FileManager.default.fileExists(atPath: newest))
    }

    @Test func aRunWithOnlyDamagedCheckpointsDoesNotStartOver() throws {
      let folder = run + "/checkpoints/"
      for name in try training.checkpoints {
        try FileManager.default.moveItem(atPath: folder + name, toPath: folder + name + ".damaged")
      }
      let records = try training.contents(run + "/metrics.jsonl")
      for mode in [["--resume"], ["--resume", "auto"], ["--resume", "latest-good"]] {
        let outcome = try Program.train(ranks: 2, training.options(steps: 15) + mode)
        #expect(outcome.code == 65, "\(outcome.error)")
        #expect(outcome.error.contains("holds no intact checkpoint to resume from, but '"))
      }
      #expect(try training.contents(run + "/metrics.jsonl") == records)
      // A run that was killed before its first checkpoint has none.
      for name in try training.checkpoints {
        try FileManager.default.removeItem(atPath: folder + name)
      }
      let outcome = try Program.train(ranks: 2, training.options(steps: 10, "--resume", "auto"))
      #expect(outcome.code == 0, "\(outcome.error)")
      #expect(
        outcome.output.contains(
          "holds a run without a checkpoint; training starts from the beginning."))
      #expect(
        try training.contents(run + "/checkpoints/latest.safetensors")
          == training.undisturbed(steps: 10))
    }
  }
}
