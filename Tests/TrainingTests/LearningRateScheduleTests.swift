import Layers
import System
import Testing
import Training

@Suite struct LearningRateScheduleTests {
  let plateau = LearningRateSchedule.plateau(
    divisor: 10, reductions: 3, patience: 2, threshold: 0.1)

  /// Which of a run of validation errors make the learning rate fall.
  private func falls(_ errors: Double...) -> ([Bool], ScheduleState) {
    var state = ScheduleState()
    let falls = errors.map { state.note(error: $0, plateau) }
    return (falls, state)
  }

  @Test func fallsWhenTheErrorStopsImproving() {
    let (falls, state) = falls(80, 70, 70, 70.5)
    #expect(falls == [false, false, false, true], "two validations in a row without a better one")
    #expect(abs(state.learningRate(initial: 0.01, plateau, epoch: 5) - 0.001) < 1e-15)
  }

  @Test func anImprovementBelowTheThresholdDoesNotCount() {
    let (falls, state) = falls(70, 69.95, 69.91)
    #expect(falls == [false, false, true])
    #expect(state.bestError == 70)
  }

  @Test func endsAtThePlateauAfterThreeReductions() {
    var state = ScheduleState()
    var reductions = 0
    for _ in 0..<9 {
      #expect(!state.isFinished)
      if state.note(error: 50, plateau) { reductions += 1 }
    }
    #expect(reductions == 3)
    #expect(state.isFinished)
    #expect(abs(state.learningRate(initial: 0.01, plateau, epoch: 0) - 1e-5) < 1e-18)
  }

  @Test(arguments: [
    (1, 0.01), (24, 0.01), (25, 0.001), (50, 0.001), (51, 1e-4), (78, 1e-4), (79, 1e-5),
    (91, 1e-5),
  ])
  func theAuthorsEpochsCountFromOne(epoch: Int, rate: Double) {
    let schedule = Recipe.code2012.schedule
    // In the first step of the epoch and in the last.
    for done in [Double(epoch - 1), Double(epoch) - 0.001] {
      #expect(ScheduleState().learningRate(initial: 0.01, schedule, epoch: done) == rate)
    }
  }

  @Test func dividedRatesAreExactDecimalNumbers() {
    var state = ScheduleState()
    var rates: [Double] = []
    for _ in 0..<8 where state.note(error: 50, plateau) {
      rates.append(state.learningRate(initial: 1e-9, plateau, epoch: 0))
    }
    #expect(rates == [1e-10, 1e-11, 1e-12])
  }
}

/// The schedule that a layer has for itself.
@Suite struct LayerRateTests {
  /// layers-145's conv1, by network.md's table: the factor of the weights' rate and that of the
  /// biases'.
  @Test(arguments: [
    (1, 1, 1), (66, 1, 1), (67, 0.1, 1), (71, 0.1, 1), (72, 0, 0), (91, 0, 0),
  ])
  func conv1FollowsTheAuthorsSchedule(epoch: Int, weights: Double, biases: Double) throws {
    let rates = try #require(Recipe.code2012.layerRates?["conv1"])
    #expect(rates.factor(.weight, epoch: epoch) == weights)
    #expect(rates.factor(.bias, epoch: epoch) == biases)
    // At 67 the others learn with 1e-4, so conv1 with 1e-5.
    let others = ScheduleState().learningRate(
      initial: 0.01, Recipe.code2012.schedule, epoch: Double(epoch - 1))
    if epoch == 67 { #expect((others * weights).asWritten == 1e-5) }
    #expect(Recipe.code2012.layerRates?.keys.sorted() == ["conv1"])
    #expect(Recipe.paper.layerRates == nil)
  }

  @Test func theOrderOfChangesDoesNotMatter() {
    let rates = [
      LayerRate(fromEpoch: 9, weights: 0, biases: 0),
      LayerRate(fromEpoch: 5, weights: 3, biases: 2),
    ]
    #expect([4, 5, 8, 9].map { rates.factor(.weight, epoch: $0) } == [1, 3, 3, 0])
  }

  @Test func anImprovementOfExactlyTheThresholdCounts() {
    var state = ScheduleState()
    let schedule = LearningRateSchedule.plateau(
      divisor: 10, reductions: 3, patience: 1, threshold: 0.5)
    let falls = [50, 49.5].map { state.note(error: $0, schedule) }
    #expect(falls == [false, false])
    #expect(state.bestError == 49.5 && state.validationsSinceBest == 0 && state.reductions == 0)
    let fallsAtLast = state.note(error: 49.25, schedule)
    #expect(fallsAtLast && state.reductions == 1)
  }
}
