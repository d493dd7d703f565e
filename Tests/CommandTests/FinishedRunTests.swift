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
}
