import Foundation
import TestSupport
import Testing

extension FaultTests {
  /// Numbers that are no longer finite.
  @Suite struct Divergence {
    private let training: FaultRun
    private var run: String { training.run }

    init() throws { training = try FaultRun() }

    @Test func aNonFiniteWeightIsNamedAndNotSaved() throws {
      let outcome = try Program.train(
        ranks: 2, training.options(steps: 100, "--inject", "spoil,rank=1,step=7"))
      #expect(outcome.code == 79)
      #expect(outcome.error.contains("'fc10.bias' is no longer finite after the update of step 8"))
      #expect(outcome.error.split(separator: "\n").count == 1, "\(outcome.error)")
      #expect(try training.checkpoints == ["latest.safetensors", "step-00000005.safetensors"])
      #expect(try Program.alexnet("verify", run).code == 0)
    }

    @Test func aDivergedRunRollsBackWithHalfTheLearningRate() throws {
      let outcome = try Program.train(
        ranks: 2,
        training.options(steps: 12, "--on-divergence", "rollback", "--max-rollbacks", "60").map {
          ["0.001": "1e6", "5": "1000"][$0] ?? $0
        })
      #expect(outcome.code == 0, "\(outcome.error)")
      #expect(outcome.output.contains("back from step"), "\(outcome.output)")
      let text = try String(contentsOfFile: run + "/metrics.jsonl", encoding: .utf8)
      #expect(text.split(separator: "\n").count { $0.contains("\"kind\":\"step\"") } == 12)
      let limited = try Program.train(
        ranks: 2,
        training.options(steps: 12, "--on-divergence", "rollback", "--max-rollbacks", "1").map {
          ["0.001": "1e6", "5": "1000", run: run + "2"][$0] ?? $0
        })
      #expect(limited.code == 79)
      #expect(limited.error.contains("after rolling back once"), "\(limited.error)")
    }

    /// A run that goes back to its start several times, under another name.
    private func divergingRun(_ name: String, _ more: String...) throws -> Outcome {
      try Program.train(
        ranks: 2,
        training.options(steps: 12, "--on-divergence", "rollback", "--max-rollbacks", "60").map {
          ["0.001": "100", "5": "1000", run: run + name][$0] ?? $0
        } + more)
    }

    private func final(_ name: String) throws -> Data {
      try training.contents("\(run)\(name)/checkpoints/step-00000012.safetensors")
    }

    @Test func aRequestedSaveDoesNotChangeTheResult() throws {
      let plain = try divergingRun("plain")
      #expect(plain.code == 0 && plain.output.contains("to step 0 with"), "\(plain.output)")
      // The same ways back, whatever was saved in between.
      let back = plain.output.split(separator: "\n").filter {
        $0.contains(": rolled back from step")
      }

      let asked = try divergingRun("asked", "--inject", "usr2,rank=1,step=1,phase=reading")
      #expect(asked.code == 0, "\(asked.error)")
      #expect(asked.output.contains("as requested"), "\(asked.output)")
      #expect(
        asked.output.split(separator: "\n").filter { $0.contains(": rolled back from step") }
          == back)
      #expect(try final("asked") == final("plain"))

      let stopped = try divergingRun("stopped", "--inject", "usr1,rank=0,step=1,phase=reading")
      #expect(stopped.code == 75, "\(stopped.error)")
      let resumed = try divergingRun("stopped", "--resume")
      #expect(resumed.code == 0, "\(resumed.error)")
      #expect(resumed.output.contains("Continuing after step "), "\(resumed.output)")
      #expect(try final("stopped") == final("plain"))
    }

    /// Where a run ends and is then made longer is no place that a run of the whole length would go
    /// back to.
    @Test func anExtendedRunRollsBackToTheSameCheckpointAsALongRun() throws {
      let words = { (name: String, steps: Int) in
        try training.options(steps: steps, "--on-divergence", "rollback").map {
          $0 == run ? run + name : $0
        }
      }
      #expect(try Program.train(ranks: 2, words("short", 7)).code == 0)
      let outcome = try Program.train(
        ranks: 2,
        words("short", 9) + ["--resume", "--max-rollbacks", "1", "--inject", "spoil,rank=1,step=7"])
      #expect(outcome.code == 79, "\(outcome.error)")
      #expect(outcome.output.contains("back from step 8 to step 5 with"), "\(outcome.output)")
    }

    @Test func aMissingRollbackCheckpointIsNamed() throws {
      let words = try training.options(steps: 9, "--on-divergence", "rollback")
      let stopped = try Program.train(
        ranks: 2, words + ["--inject", "usr1,rank=0,step=6,phase=reading"])
      #expect(stopped.code == 75, "\(stopped.error)")
      try FileManager.default.removeItem(
        atPath: run + "/checkpoints/step-00000005.safetensors")
      let outcome = try Program.train(
        ranks: 2, words + ["--resume", "--inject", "spoil,rank=1,step=7"])
      #expect(outcome.code == 79, "\(outcome.error)")
      #expect(
        outcome.error.contains("step-00000005.safetensors' cannot be opened"), "\(outcome.error)")
    }
  }
}
