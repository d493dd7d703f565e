import Foundation
import Testing

extension FaultTests {
  /// Numbers that are no longer finite.
  @Suite struct Divergence {
    private let training: FaultRun
    private var run: String { training.run }

    init() throws { training = try FaultRun() }

    @Test func aSpoiledWeightIsNamedAndNotSaved() throws {
      let outcome = try Program.train(
        ranks: 2, training.options(steps: 100, "--inject", "spoil,rank=1,step=7"))
      #expect(outcome.code == 79)
      #expect(outcome.error.contains("'fc10.bias' is no longer finite after the update of step 8"))
      #expect(outcome.error.split(separator: "\n").count == 1, "\(outcome.error)")
      #expect(try training.checkpoints == ["latest.safetensors", "step-00000005.safetensors"])
      #expect(try Program.alexnet("verify", run).code == 0)
    }

    @Test func aDivergedRunGoesBackWithHalfTheLearningRate() throws {
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
      #expect(limited.error.contains("after going back once"), "\(limited.error)")
    }
  }
}
