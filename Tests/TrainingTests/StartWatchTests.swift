import Testing
import Training

@Suite struct StartWatchTests {
  /// What the watch says about the losses of steps 1, 2, ...
  private func sentences(
    classes: Int, learningRate: Double, _ losses: [Double]
  ) -> [(step: Int, text: String)] {
    var watch = StartWatch(classes: classes, learningRate: learningRate)
    return losses.enumerated().compactMap { index, loss in
      watch.note(loss: loss, step: index + 1).map { (index + 1, $0) }
    }
  }

  @Test func aJumpInTheFirstStepsIsReportedOnce() throws {
    let said = sentences(classes: 10, learningRate: 0.01, [2.4, 3, 9, 5, 26])
    #expect(said.map(\.step) == [3])
    let text = try #require(said.first).text
    #expect(text.contains("jumped to 9.0 in step 3"))
    #expect(text.contains("--learning-rate 0.001"))
  }

  @Test func aPlateauAtChanceIsReportedOnce() throws {
    let losses = (1...300).map { 2.30 + ($0 % 2 == 0 ? 0.02 : -0.02) }
    let said = sentences(classes: 10, learningRate: 0.01, losses)
    #expect(said.map(\.step) == [100])
    let text = try #require(said.first).text
    #expect(text.contains("stayed at ln(10) = 2.30 for 100 steps"))
  }

  @Test func nothingIsReportedWhenTheNetworkLearns() {
    let losses = (1...400).map { max(0.5, 3 - 0.01 * Double($0)) }
    #expect(sentences(classes: 10, learningRate: 0.001, losses).isEmpty)
  }

  @Test func nothingIsReportedAtTheStartWithAThousandClasses() {
    let losses = [Double](repeating: 7, count: 90)
    #expect(sentences(classes: 1000, learningRate: 0.01, losses).isEmpty)
  }
}
