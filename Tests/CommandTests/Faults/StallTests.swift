import Foundation
import TestSupport
import Testing

extension FaultTests {
  /// A network that does not learn.
  @Suite struct Stall {
    private let training: FaultRun

    init() throws { training = try FaultRun() }

    /// A rate that moves nothing.
    private func options(_ more: String...) throws -> [String] {
      try training.options(steps: 30).map { $0 == "0.001" ? "1e-12" : $0 } + more
    }

    @Test func aRunThatDoesNotLearnEndsWhereThatWasAskedFor() throws {
      let words = try options("--on-stall", "stop", "--stall-steps", "12")
      let outcome = try Program.train(ranks: 2, words)
      #expect(outcome.code == 79)
      #expect(outcome.error.contains("Stopped after step 12"), "\(outcome.error)")
      // What was counted before a stop counts after it.
      let other = training.run + "2"
      let again = words.map { $0 == training.run ? other : $0 }
      let stopped = try Program.train(
        ranks: 2, again + ["--inject", "usr1,rank=0,step=7,phase=reading"])
      #expect(stopped.code == 75, "\(stopped.error)")
      let resumed = try Program.train(ranks: 2, again + ["--resume"])
      #expect(resumed.code == 79)
      #expect(resumed.error.contains("Stopped after step 12"), "\(resumed.error)")
    }

    @Test func otherwiseItEndsAndSaysWhy() throws {
      let outcome = try Program.train(ranks: 2, options())
      #expect(outcome.code == 0, "\(outcome.error)")
      #expect(outcome.output.contains("That is the limit on the number of steps."))
      let refused = try Program.train(ranks: 2, options("--stall-steps", "12"))
      #expect(refused.code == 64 && refused.error.contains("needs --on-stall stop"))
    }

    /// A rate of 3 makes losses explode that stay finite for a while.
    @Test func aFiniteExplosionIsADivergence() throws {
      let words = try training.options(steps: 12).map { $0 == "0.001" ? "3" : $0 }
      let outcome = try Program.train(ranks: 2, words)
      #expect(outcome.code == 79, "\(outcome.output)")
      #expect(outcome.error.contains("The loss of step"), "\(outcome.error)")
    }
  }
}
