import Foundation
import Testing
import Training

@Suite struct StartWatchTests {
  /// What the watch says about the losses of steps 1, 2, ...
  private func sentences(
    classes: Int, learningRate: Double, _ losses: [Double]
  ) -> [(step: Int, text: String)] {
    var recipe = Recipe.paper
    recipe.learningRate = learningRate
    let counts = [Int](repeating: 50, count: classes)
    let chance = Chance(training: counts, validation: counts)
    let remedies = Remedies(recipe, network: "alexnet", isFineTuned: false)
    var (watch, stall) = (StartWatch(chance, recipe, remedies), Stall())
    return losses.enumerated().compactMap { index, loss in
      stall.note(loss: loss, chance)
      return watch.note(loss: loss, step: index + 1, stall).map { (index + 1, $0) }
    }
  }

  @Test func aJumpInTheFirstStepsIsReportedOnce() throws {
    let said = sentences(classes: 10, learningRate: 0.01, [2.4, 3, 9, 5, 26])
    #expect(said.map(\.step) == [3])
    let text = try #require(said.first).text
    #expect(text.contains("jumped to 9.0 in step 3, from 2.40 in step 1"))
    #expect(text.contains("--learning-rate 0.001"))
  }

  @Test func adviceStartsFromWhatRollbacksHaveLeft() {
    let remedies = Remedies(.paper, network: "alexnet", isFineTuned: true)
    remedies.rateFactor = 0.25
    #expect(remedies.learningRate == 0.0025)
    #expect(remedies.sentence(.smaller).contains("--learning-rate 0.00025"))
  }

  /// No update has been made before the loss of step 1; weights of a file may make it large.
  @Test func theRateIsNotBlamedForTheFirstLoss() {
    #expect(sentences(classes: 10, learningRate: 0.01, [26, 24, 20, 9, 3]).isEmpty)
  }

  @Test func aStallAtChanceIsReportedOnce() throws {
    let losses = (1...300).map { 2.30 + ($0 % 2 == 0 ? 0.02 : -0.02) }
    let said = sentences(classes: 10, learningRate: 0.01, losses)
    #expect(said.map(\.step) == [100])
    let text = try #require(said.first).text
    #expect(text.contains("for 100 steps the loss has not fallen below chance, which is 2.30"))
  }

  @Test func nothingIsReportedWhenTheNetworkLearns() {
    let losses = (1...400).map { max(0.5, 3 - 0.01 * Double($0)) }
    #expect(sentences(classes: 10, learningRate: 0.001, losses).isEmpty)
  }

  /// A thousand images of each of a thousand classes are 7812.5 batches of 128.
  @Test func aThousandClassesAreGivenThousandsOfSteps() {
    let losses = [Double](repeating: log(1000), count: 8000)
    #expect(sentences(classes: 1000, learningRate: 0.01, losses).map(\.step) == [7813])
  }
}
