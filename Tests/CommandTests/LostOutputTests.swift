import Foundation
import TestSupport
import Testing

/// Standard output that takes nothing more.
@Suite(.serialized) struct LostOutputTests {
  private let training: FaultRun

  init() throws { training = try FaultRun() }

  /// Runs a program with its standard output on the device that is always full.
  private func fill(_ words: [String]) throws -> Outcome {
    try Program.run(["/bin/sh", "-c", "exec \"$0\" \"$@\" >/dev/full"] + words)
  }

  @Test func aResultThatCannotBeWrittenIsAnError() throws {
    // For a training it is only what is told along the way: the run is in its files.
    let trained = try fill(["\(Program.folder)/alexnet-train"] + training.options(steps: 5))
    #expect(trained.code == 0, "\(trained.error)")
    let run = training.run
    let data = try Pictures.small.get().path + "/dataset"
    let picture = training.scratch.path + "/crops.png"
    #expect(try Program.alexnet("preview", "--data", data, "--out", picture).code == 0)
    for words in [
      ["verify", run], ["plot", run], ["evaluate", run, "--data", data, "--json"],
      ["predict", "--checkpoint", run, "--csv", picture], ["--help"], ["verify", "--help"],
      ["prepare", "--source", try Pictures.small.get().path + "/source", "--dry-run"],
    ] {
      let outcome = try fill(["\(Program.folder)/alexnet"] + words)
      #expect(outcome.code == 74, "\(words): \(outcome.error)")
      // Before the work is said which of the run's checkpoints is read.
      let said = outcome.error.split(separator: "\n").filter { !$0.hasPrefix("Using the newest ") }
      #expect(
        said == ["alexnet: cannot write to standard output: No space left on device."],
        "\(words): \(outcome.error)")
    }
    let chart = training.scratch.path + "/rates.svg"
    for words in [
      ["--dry-run", "--classes", "10"],
      ["--data", data, "--network", "cifar-four-layer"]
        + ["--find-rate", "--max-steps", "20", "--batch-size", "8", "--threads", "1"]
        + ["--chart", chart],
    ] {
      let outcome = try fill(["\(Program.folder)/alexnet-train"] + words)
      #expect(
        outcome.code == 74
          && outcome.error.contains("cannot write to standard output: No space left on device."),
        "\(words): \(outcome.error)")
    }
    #expect(FileManager.default.fileExists(atPath: chart))
    // A reader that has gone away has what it wants.
    for words in [
      ["alexnet", "verify", run, run], ["alexnet-train", "--help"], ["alexnet-train", "--version"],
    ] {
      let head = try Program.run(
        ["bash", "-c", "set -o pipefail; \"$@\" | true", "bash", "\(Program.folder)/\(words[0])"]
          + words.dropFirst())
      #expect(head.code == 0 && head.error.isEmpty, "\(words): \(head.error)")
    }
  }
}
