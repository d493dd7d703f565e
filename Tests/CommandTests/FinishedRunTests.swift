import TestSupport
import Testing

/// A run that is resumed when it has nothing left to do.
@Suite struct FinishedRunTests {
  @Test func aFinishedRunSaysThatNothingIsLeft() throws {
    let training = try FaultRun()
    let first = try Program.train(ranks: nil, training.options(steps: 1))
    #expect(first.code == 0, "\(first.error)")
    #expect(first.output.contains(": 1 step of 16."), "\(first.output)")
    #expect(first.output.contains("Done after 1 step: "), "\(first.output)")
    let two = try Program.train(ranks: nil, training.options(steps: 2, "--resume"))
    #expect(two.code == 0 && two.output.contains("Continuing after step 1 of 2."), "\(two.output)")
    for steps in [2, 1] {
      let again = try Program.train(ranks: nil, training.options(steps: steps, "--resume"))
      #expect(again.code == 0, "\(again.error)")
      #expect(
        again.output.contains(
          "The run has done 2 steps and its settings ask for \(steps): nothing is left to train."),
        "\(again.output)")
      #expect(!again.output.contains("Continuing"), "\(again.output)")
    }
  }

  /// The error of a network that has learnt something and learns no more.
  @Test func aRunThatEndedAtItsLastPlateauGoesOnWhereThatIsAskedFor() throws {
    let training = try FaultRun()
    let base = training.scratch.path + "/base"
    let first = try Program.train(
      ranks: nil, training.options(steps: 40).map { $0 == training.run ? base : $0 })
    #expect(first.code == 0, "\(first.error)")
    let tuned = try Program.train(
      ranks: nil,
      training.options(steps: 9, "--init-from", base, "--patience", "1").map {
        ["0.001": "1e-12", "1000": "1"][$0] ?? $0
      })
    #expect(tuned.code == 0 && tuned.output.contains("Done after 5 steps"), "\(tuned.output)")
    let words = ["--resume", "--out", training.run, "--threads", "1"]
    let ended = try Program.train(ranks: nil, words)
    #expect(
      ended.output.contains("With --last-plateau continue it goes on at 1e-15."), "\(ended.output)")
    let onward = try Program.train(ranks: nil, words + ["--last-plateau", "continue"])
    #expect(
      onward.output.contains("Continuing after step 5 of 9. The learning rate is 1e-15 now."),
      "\(onward.output)")
    #expect(onward.output.contains("Done after 9 steps"), "\(onward.error)")
  }
}
