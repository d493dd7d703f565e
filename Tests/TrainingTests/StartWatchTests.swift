import Testing
import Training

@Suite struct StartWatchTests {
  @Test func namesTheJumpOfTheFirstSteps() throws {
    var watch = StartWatch(classes: 10, learningRate: 0.01)
    #expect(watch.note(loss: 2.4, step: 1) == nil)
    let sentence = try #require(watch.note(loss: 26, step: 4))
    #expect(sentence.contains("jumped to 26.0 in step 4"))
    #expect(sentence.contains("--learning-rate 0.001"))
    #expect(watch.note(loss: 30, step: 5) == nil, "said once")
  }

  @Test func namesThePlateauAtChance() throws {
    var watch = StartWatch(classes: 10, learningRate: 0.01)
    var sentences: [String] = []
    for step in 1...300 {
      if let said = watch.note(loss: 2.30 + (step % 2 == 0 ? 0.02 : -0.02), step: step) {
        sentences.append(said)
      }
    }
    #expect(sentences.count == 1)
    #expect(sentences[0].contains("stayed at ln(10) = 2.30 for 100 steps"))
  }

  @Test func isSilentWhenTheNetworkLearns() {
    var watch = StartWatch(classes: 10, learningRate: 0.001)
    for step in 1...400 {
      #expect(watch.note(loss: max(0.5, 3 - 0.01 * Double(step)), step: step) == nil)
    }
  }

  @Test func isSilentAtTheStartOfAThousandClasses() {
    var watch = StartWatch(classes: 1000, learningRate: 0.01)
    for step in 1...90 { #expect(watch.note(loss: 7.0, step: step) == nil) }
  }
}
