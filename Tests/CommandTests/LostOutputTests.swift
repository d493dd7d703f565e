import Foundation
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
    ] {
      let outcome = try fill(["\(Program.folder)/alexnet"] + words)
      #expect(outcome.code == 74, "\(words): \(outcome.error)")
      // Before the work is said which of the run's checkpoints is read.
      let said = outcome.error.split(separator: "\n").filter { !$0.hasPrefix("Using the newest ") }
      #expect(
        said == ["alexnet: cannot write to standard output: No space left on device."],
        "\(words): \(outcome.error)")
    }
    // A reader that has gone away has what it wants.
    let head = try Program.run([
      "/bin/bash", "-c", "set -o pipefail; \"$0\" verify \"$1\" \"$1\" | true",
      "\(Program.folder)/alexnet", run,
    ])
    #expect(head.code == 0 && head.error.isEmpty, "\(head.error)")
  }
}
