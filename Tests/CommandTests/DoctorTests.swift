import Foundation
import TestSupport
import Testing

/// What `alexnet doctor` says of the ranks that it is started on, and how it leaves.
@Suite(.serialized) struct DoctorTests {
  private func doctor(ranks: Int, _ words: String...) throws -> Outcome {
    try Program.alexnet(ranks: ranks, ["doctor"] + words)
  }

  @Test func twoHealthyRanksHaveNoFindings() throws {
    let dataset = try Pictures.small.get()
    let outcome = try doctor(
      ranks: 2, "--data", dataset.path + "/dataset", "--out", dataset.path)
    #expect(outcome.code == 0, "\(outcome.error)")
    for text in [
      "2 ranks on 1 host", "1 replica of 2 towers, one tower a rank.", " GB/s ",
      "Every kind of message arrived intact.",
    ] { #expect(outcome.output.contains(text), "\(outcome.output)") }
    #expect(!outcome.output.contains("would fail"))
    // Nothing stays behind in the folder for runs.
    let files = try FileManager.default.contentsOfDirectory(atPath: dataset.path)
    #expect(!files.contains { $0.hasPrefix(".alexnet-doctor") })
  }

  /// On a machine of two cores, as hwloc describes it to Open MPI and to the program.
  @Test func moreRanksThanCoresGiveAWarning() throws {
    let outcome = try Program.run(
      [
        "mpirun", "--map-by", "slot", "--bind-to", "none", "--oversubscribe", "-np",
        "4", Program.folder + "/alexnet", "doctor", "--batch-size", "4",
      ], environment: ["HWLOC_SYNTHETIC": "core:2 pu:1"])
    #expect(outcome.code == 0, "\(outcome.error)")
    #expect(outcome.output.contains("2 replicas of 2 towers"), "\(outcome.output)")
    #expect(
      outcome.output.contains("Warning: 4 threads of 4 ranks share 2 cores of "),
      "\(outcome.output)")
  }

  @Test func problemsThatWouldStopTrainingGiveTheirExitCodes() throws {
    let three = try doctor(ranks: 3)
    #expect(three.code == 64 && three.error.contains("-np 2 or -np 4"), "\(three.error)")
    let large = try doctor(ranks: 2, "--batch-size", "65000")
    #expect(large.code == 64 && large.output.contains("MiB are free"), "\(large.output)")
    let nowhere = try doctor(ranks: 2, "--data", "/nowhere")
    #expect(nowhere.code == 66 && nowhere.output.contains("'/nowhere'"), "\(nowhere.output)")
    let unwritable = try doctor(ranks: 2, "--out", "/proc/nowhere")
    #expect(unwritable.code == 73, "\(unwritable.output)")
    let stray = try doctor(ranks: 2, "--limit", "0")
    #expect(stray.code == 64 && stray.error.contains("--limit"), "\(stray.error)")
  }
}
