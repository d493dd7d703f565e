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

  @Test func aGainBelowTheThresholdIsNone() {
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
    (0, 0.01), (24.99, 0.01), (25, 0.001), (50.99, 0.001), (51, 1e-4), (78.9, 1e-4), (79, 1e-5),
    (90, 1e-5),
  ])
  func theCodesEpochs(epoch: Double, rate: Double) {
    let schedule = Recipe.code2012.schedule
    let actual = ScheduleState().learningRate(initial: 0.01, schedule, epoch: epoch)
    #expect(abs(actual / rate - 1) < 1e-12)
  }
}
