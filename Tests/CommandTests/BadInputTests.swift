import Foundation
import TestSupport
import Testing

/// What a user gets wrong: one sentence, every rank gone, a code that is not zero, and nothing
/// overwritten.
@Suite(.serialized) struct BadInputTests {
  private let scratch = TemporaryFolder()

  private func expectComplaint(
    ranks: Int? = 2, _ arguments: [String], code: Int32, says parts: String...
  ) throws {
    let outcome = try Program.train(ranks: ranks, arguments)
    #expect(outcome.code == code, "\(outcome.error)")
    let complaints = outcome.error.split(separator: "\n").filter { $0.hasPrefix("alexnet-train") }
    // On a machine that is busy, another rank may say the same before the first one has ended it.
    let sentences = Set(complaints.map { $0.split(separator: ": ", maxSplits: 1).last })
    #expect(sentences.count == 1, "\(outcome.error)")
    for part in parts {
      #expect(complaints.first?.contains(part) == true, "'\(part)' in: \(outcome.error)")
    }
  }

  @Test func threeRanksForTwoTowersAreRefused() throws {
    try expectComplaint(
      ranks: 3,
      ["--data", try Pictures.large.get().path + "/dataset", "--out", scratch.path + "/run"],
      code: 64, says: "2 towers cannot be split over 3 ranks", "-np 2")
  }

  @Test func aMissingDatasetIsNamed() throws {
    try expectComplaint(
      ["--data", "/nowhere/dataset", "--out", scratch.path + "/run"], code: 66,
      says: "/nowhere/dataset")
    #expect(!FileManager.default.fileExists(atPath: scratch.path + "/run"))
  }

  @Test func aFolderThatIsNotADatasetIsRefused() throws {
    try expectComplaint(
      ["--data", scratch.path, "--out", scratch.path + "/run"], code: 66, says: "prepare")
  }

  @Test func aDatasetOfAnotherFormatVersionIsRefused() throws {
    let copy = scratch.path + "/copy"
    let dataset = try Pictures.small.get().path + "/dataset"
    try FileManager.default.copyItem(atPath: dataset, toPath: copy)
    let path = copy + "/dataset.json"
    let text = try String(contentsOfFile: path, encoding: .utf8)
    let changed = text.replacing(/"formatVersion"\s*:\s*1/, with: "\"formatVersion\" : 99")
    #expect(changed != text)
    try changed.write(toFile: path, atomically: true, encoding: .utf8)
    try expectComplaint(
      ["--data", copy, "--network", "cifar-four-layer", "--out", scratch.path + "/run"], code: 65,
      says: "99", "version")
  }

  @Test func aDatasetOfAnotherImageSizeIsRefused() throws {
    try expectComplaint(
      ["--data", try Pictures.small.get().path + "/dataset", "--out", scratch.path + "/run"],
      code: 64,
      says: "--size 256")
  }

  @Test func aRunFolderWithAnotherRunIsRefused() throws {
    let run = scratch.path + "/run"
    let options = [
      "--data", try Pictures.small.get().path + "/dataset", "--network", "cifar-four-layer",
      "--out", run,
      "--max-steps", "2",
    ]
    #expect(try Program.train(ranks: 2, options).code == 0)
    let before = try String(contentsOfFile: run + "/metrics.jsonl", encoding: .utf8)
    try expectComplaint(options, code: 73, says: "already holds a run", "--resume")
    #expect(try String(contentsOfFile: run + "/metrics.jsonl", encoding: .utf8) == before)
    try expectComplaint(
      options + ["--resume", "--batch-size", "64"], code: 64,
      says: "--batch-size 64 differs from the run's 128")
  }

  @Test func aRunFolderThatCannotBeCreatedIsNamed() throws {
    let file = scratch.path + "/file"
    try "a file".write(toFile: file, atomically: true, encoding: .utf8)
    try expectComplaint(
      [
        "--data", try Pictures.small.get().path + "/dataset", "--network", "cifar-four-layer",
        "--out",
        file + "/run",
      ], code: 73, says: file, "--out")
    #expect(try String(contentsOfFile: file, encoding: .utf8) == "a file")
  }

  @Test(arguments: [
    (["--batchsize", "3"], "did you mean --batch-size?"), (["--batch-size", "0"], "--batch-size"),
    (["--learning-rate", "nan"], "--learning-rate"),
    (["--learning-rate", "-1"], "--learning-rate"),
    (["--epochs", "many"], "--epochs"), (["--recipe", "mine"], "paper or code2012"),
    (["--network", "vgg"], "cifar-four-layer"), (["--variant", "wide"], "no-normalization"),
    (["--max-steps"], "needs a value"), (["stray"], "'stray'"), (["--resume"], "--out"),
    (["--seed", "1", "--seed", "2"], "twice"), (["--network", "/nowhere.json"], "/nowhere.json"),
    (["--recipe", "code2012", "--patience", "3"], "--patience"),
    (["--out", ""], "--out was given an empty"),
    (["--dry-run", "--classes", "5"], "excludes --data"), (["--threads", "4096"], "--threads"),
    (
      ["--network", "cifar-four-layer", "--batch-size", "65536", "--threads", "1024"],
      "MiB are free"
    ),
  ])
  func aWrongOptionIsRefused(arguments: [String], says part: String) throws {
    let isMissing = arguments.contains("/nowhere.json")
    let dataset = try Pictures.small.get().path + "/dataset"
    try expectComplaint(["--data", dataset] + arguments, code: isMissing ? 66 : 64, says: part)
  }

  /// Ranks that wait for each other's different messages would wait for ever.
  @Test(.timeLimit(.minutes(1))) func ranksWithDifferentOptionsAreRefused() throws {
    let dataset = try Pictures.small.get().path + "/dataset"
    let outcome = try Program.run([
      "mpirun", "--oversubscribe", "-np", "1", "\(Program.folder)/alexnet-train",
      "--data",
      dataset, ":", "-np", "1", "\(Program.folder)/alexnet-train",
    ])
    #expect(outcome.code == 76, "\(outcome.error)")
    #expect(outcome.error.contains("Rank 1 was started with no options and rank 0 with '--data'"))
  }

  @Test func aRunThatDiedBeforeItsFirstCheckpointStartsOver() throws {
    let run = scratch.path + "/run"
    let options = [
      "--data", try Pictures.small.get().path + "/dataset", "--network", "cifar-four-layer",
      "--out", run,
      "--max-steps", "3",
    ]
    #expect(try Program.train(ranks: 2, options).code == 0)
    let metrics = run + "/metrics.jsonl"
    let records = try String(contentsOfFile: metrics, encoding: .utf8).split(separator: "\n").count
    try FileManager.default.removeItem(atPath: run + "/checkpoints")
    try FileManager.default.createDirectory(
      atPath: run + "/checkpoints", withIntermediateDirectories: true)
    #expect(try Program.train(ranks: 2, options + ["--resume"]).code == 0)
    #expect(
      try String(contentsOfFile: metrics, encoding: .utf8).split(separator: "\n").count == records)
    try expectComplaint(
      Array(options.dropLast(4)) + ["--out", scratch.path + "/none", "--resume"], code: 66,
      says: "leave out --resume")
  }

  @Test func nonFiniteWeightsAtTheLastStepAreNotSaved() throws {
    let run = scratch.path + "/run"
    try expectComplaint(
      [
        "--data", try Pictures.small.get().path + "/dataset", "--network", "cifar-four-layer",
        "--out", run,
        "--max-steps", "1", "--learning-rate", "1e6", "--weight-decay", "1e6",
      ], code: 79, says: "validation loss", "--learning-rate")
    #expect(try FileManager.default.contentsOfDirectory(atPath: run + "/checkpoints").isEmpty)
  }

  /// Whether the length of a running program's files can be limited here.
  static let maySetLimits = FileManager.default.isExecutableFile(atPath: "/usr/bin/prlimit")

  /// A limit on the length of files is met by the same system call as a full disk.
  ///
  /// No checkpoint falls due: only the records grow.
  @Test(.enabled(if: maySetLimits, "needs prlimit"))
  func aFullDiskUnderTheRecordsIsReported() throws {
    let training = try FaultRun()
    let (process, error) = try training.launchedWithErrors(
      [
        "--data", try Pictures.small.get().path + "/dataset", "--network", "cifar-four-layer",
        "--batch-size", "16", "--threads", "1", "--learning-rate", "0.001", "--out", training.run,
        "--max-steps", "100000", "--checkpoint-every", "100000", "--validate-every", "100000",
      ], ranks: nil)
    // Longer by then than what the program says, which goes into a file as well.
    try training.waitForRecords(100, of: process)
    let length = try training.bytes(training.run + "/metrics.jsonl").count
    let limited = try Program.run([
      "/usr/bin/prlimit", "--pid", "\(process.processIdentifier)", "--fsize=\(length)",
    ])
    #expect(limited.code == 0, "\(limited.error)")
    if limited.code != 0 { process.terminate() }
    process.waitUntilExit()
    let said = try String(contentsOfFile: error, encoding: .utf8)
    #expect(process.terminationStatus == 74, "\(said)")
    #expect(said.contains("metrics.jsonl' cannot be written: File too large"), "\(said)")
  }
}
