import Foundation
import TestSupport
import Testing

/// Trainings that read a copy of their dataset.
@Suite struct StagingTests {
  private let training: FaultRun

  init() throws { training = try FaultRun() }

  @Test func theDatasetIsCopiedOnceAndReadFromThere() throws {
    let disk = training.scratch.path + "/disk"
    let first = try Program.train(ranks: 2, training.options(steps: 5, "--stage-data", disk))
    #expect(first.code == 0, "\(first.error)")
    #expect(
      first.output.contains("Copying the dataset") && first.output.contains("on 1 host."),
      "\(first.output)")
    #expect(
      try training.contents(training.run + "/checkpoints/latest.safetensors")
        == training.undisturbed(steps: 5))
    let settings = try String(contentsOfFile: training.run + "/config.json", encoding: .utf8)
    let source = try Pictures.small.get().path
    #expect(settings.contains("\"\(source)/dataset\""), "\(settings)")
    // Bits that change in the copy are met by whoever reads there.
    let copy = try #require(
      FileManager.default.contentsOfDirectory(atPath: disk).first { !$0.hasSuffix(".lock") })
    let shard = "\(disk)/\(copy)/train-000000.tar"
    let length = try training.bytes(shard).count
    try Data(repeating: 7, count: length).write(to: URL(fileURLWithPath: shard))
    let second = try Program.train(
      ranks: 2, training.options(steps: 8, "--resume", "--stage-data", disk))
    #expect(second.code == 65 && second.error.contains(shard), "\(second.error)")
    #expect(!second.output.contains("Copying the dataset"), "\(second.output)")
  }

  @Test func aCopyNeedsADataset() throws {
    let outcome = try Program.train(ranks: nil, ["--stage-data", training.scratch.path])
    #expect(outcome.code == 64 && outcome.error.contains("--data"), "\(outcome.error)")
  }
}
