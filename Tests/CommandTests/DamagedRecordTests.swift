import Foundation
import TestSupport
import Testing

/// Runs on a dataset of which records are damaged on the disk.
@Suite(.serialized) struct DamagedRecordTests {
  private let scratch: TemporaryFolder
  private let dataset: String

  /// Copies the small dataset and flips a bit in two training records and a validation record.
  init() throws {
    scratch = TemporaryFolder()
    dataset = scratch.path + "/dataset"
    try FileManager.default.copyItem(
      atPath: Pictures.small.get().path + "/dataset", toPath: dataset)
    for (split, records) in [("train", [5, 300]), ("validation", [17])] {
      let index = [UInt8](
        try Data(contentsOf: URL(fileURLWithPath: "\(dataset)/\(split).index")))
      for record in records {
        func number(_ place: Int, _ length: Int) -> Int {
          (0..<length).reduce(0) { $0 | Int(index[24 + 24 * record + place + $1]) << (8 * $1) }
        }
        let shard = String(format: "%@/%@-%06d.tar", dataset, split, number(0, 4))
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: shard))
        try file.seek(toOffset: UInt64(number(4, 8) + 60))
        let byte = try #require(try file.read(upToCount: 1)).map { $0 ^ 1 }
        try file.seek(toOffset: UInt64(number(4, 8) + 60))
        try file.write(contentsOf: Data(byte))
        try file.close()
      }
    }
  }

  private func train(ranks: Int?, out: String, _ more: String...) throws -> Outcome {
    try Program.train(
      ranks: ranks,
      [
        "--data", dataset, "--out", scratch.path + "/" + out, "--network", "cifar-four-layer",
        "--batch-size", "50", "--learning-rate", "0.001",
        "--max-steps", "12", "--threads", "1",
      ] + more)
  }

  @Test func aDamagedRecordStopsAllRanksAndIsNamed() throws {
    for ranks in [nil, 2] {
      let outcome = try train(ranks: ranks, out: "stops-\(ranks ?? 1)")
      #expect(outcome.code == 65, "\(outcome.error)")
      #expect(outcome.error.contains("train-00000") && outcome.error.contains("Record "))
      #expect(outcome.error.contains("checksum") && outcome.error.contains("--skip-corrupt"))
      #expect(outcome.error.components(separatedBy: "is damaged").count == 2, "said once")
    }
  }

  @Test func skippedRecordsAreCountedAndRanksStayInStep() throws {
    var losses: [String] = []
    for ranks in [nil, 2] {
      let outcome = try train(ranks: ranks, out: "skips-\(ranks ?? 1)", "--skip-corrupt")
      #expect(outcome.code == 0, "\(outcome.error)")
      // One epoch of 600: each of the two is met once.
      #expect(outcome.output.contains("Damaged records skipped so far: 2."), "\(outcome.output)")
      #expect(outcome.output.contains("1 of 100 validation images were left out."))
      #expect(outcome.output.contains("of 99)"), "\(outcome.output)")
      let metrics = try String(
        contentsOfFile: scratch.path + "/skips-\(ranks ?? 1)/metrics.jsonl", encoding: .utf8)
      losses.append(
        metrics.matches(of: /"loss":[0-9.e-]+/).map { String($0.output) }.joined(separator: " "))
    }
    #expect(!losses[0].isEmpty && losses[0] == losses[1])
  }
}
