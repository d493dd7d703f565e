import Layers
import Networks
import Testing
import Training

/// What is due after which step.
@Suite struct RunPlanTests {
  /// 250 images in batches of 100: an epoch ends in every third step or so.
  private func plan(
    maxSteps: Int? = nil, validateEvery: Int? = nil, checkpointEvery: Int? = nil,
    validates: Bool = true, mayGoBack: Bool = false, batch: Int = 100, epochs: Int = 2,
    schedule: LearningRateSchedule = .constant,
    lastPlateau: TrainingSettings.LastPlateau? = nil, warmUp: Int? = nil, baseBatch: Int? = nil
  ) -> RunPlan {
    var recipe = Recipe.named(.paper)
    (recipe.warmUp, recipe.baseBatch) = (warmUp, baseBatch)
    (recipe.batchSize, recipe.epochs, recipe.schedule) = (batch, epochs, schedule)
    var settings = TrainingSettings(
      network: .alexNet(classes: 10, recipe: recipe.name), recipe: recipe)
    (settings.maxSteps, settings.lastPlateau) = (maxSteps, lastPlateau)
    (settings.validateEvery, settings.checkpointEvery) = (validateEvery, checkpointEvery)
    return RunPlan(settings, images: 250, validates: validates, mayGoBack: mayGoBack)
  }

  private func state(_ step: Int) -> TrainingState {
    var state = TrainingState()
    state.step = step
    return state
  }

  /// Five epochs of 250 images are 12.5 batches of 100, which have four times the rate of 25.
  @Test func ratesGrowWithTheBatchAfterAWarmUp() {
    let plan = plan(epochs: 90, baseBatch: 25)
    let rates = [0, 5, 12, 13, 40].map { plan.learningRate(state($0)) }
    let expected = [0.04 / 13, 0.04 * 6 / 13, 0.04, 0.04, 0.04]
    #expect(zip(rates, expected).allSatisfy { abs($0 - $1) < 1e-15 }, "\(rates)")
    // LinearLR(start_factor=0.25, total_iters=3) from 0.01.
    let warm = self.plan(epochs: 90, warmUp: 4)
    #expect((0...4).map { warm.learningRate(state($0)) } == [0.0025, 0.005, 0.0075, 0.01, 0.01])
    // A smaller batch than the rate is meant for.
    #expect(self.plan(warmUp: 0, baseBatch: 200).learningRate(state(0)) == 0.005)
  }

  @Test func aWarmUpThatOutlastsTheRunIsToldOf() {
    #expect(plan(warmUp: 4).warmUpNotice == nil && plan().warmUpNotice == nil)
    // Two epochs are 5 steps; five epochs 13.
    for plan in [plan(warmUp: 5), plan(baseBatch: 25)] {
      #expect(plan.warmUpNotice?.contains("and the run 5: the learning rate never") == true)
    }
  }

  @Test func trainingEndsWhenAllImagesOfTheLastEpochWereSeenOrAtTheLimit() {
    #expect(plan().lastStep == 5 && plan(maxSteps: 3).lastStep == 3)
    #expect(!plan().isAtEnd(state(4)) && plan().isAtEnd(state(5)))
  }

  @Test func aRunGoesOnPastItsLastPlateauWhereThatIsAskedFor() {
    let schedule = LearningRateSchedule.plateau(
      divisor: 10, reductions: 1, patience: 1, threshold: 0.1)
    var finished = state(3)
    for _ in 0..<3 { _ = finished.schedule.note(error: 50, schedule) }
    #expect(finished.schedule.isFinished)
    #expect(plan(schedule: schedule).isAtEnd(finished))
    let onward = plan(schedule: schedule, lastPlateau: .continue)
    #expect(!onward.isAtEnd(finished) && onward.learningRate(finished) == 0.001)
    finished.step = 5
    #expect(onward.isAtEnd(finished))
  }

  /// Two epochs of 250 images: five batches of 100, four of 125, and one where a batch holds all.
  @Test(arguments: [(100, 5), (125, 4), (499, 2), (500, 1), (900, 1)])
  func aRunEndsWithTheBatchThatHoldsItsLastImage(batch: Int, steps: Int) {
    #expect(plan(batch: batch).lastStep == steps)
  }

  @Test func everyStepEndsAnEpochWhereABatchHoldsAllImages() {
    for batch in [250, 700] {
      let plan = plan(batch: batch, epochs: 9)
      #expect((1...4).allSatisfy { plan.isTimeToValidate(state($0)) })
    }
  }

  /// Images 1-100, 101-200, 201-300 (the second epoch begins within), 301-400, 401-500.
  @Test func epochsAreCountedInImages() {
    let plan = plan()
    #expect(plan.epochs(after: 0) == 0 && plan.epochs(after: 5) == 2)
    #expect(abs(plan.epochs(after: 3) - 1.2) < 1e-15)
    #expect((0...5).map(plan.epoch) == [1, 1, 1, 2, 2, 3])
  }

  @Test func theLearningRateFollowsTheEpochsDone() {
    let plan = plan(batch: 125, epochs: 4, schedule: .steps(divisor: 10, epochs: [1, 2.5]))
    let rates = (0..<8).map { plan.learningRate(state($0)) }
    let expected = [0.01, 0.01, 0.001, 0.001, 0.001, 0.0001, 0.0001, 0.0001]
    for (rate, expected) in zip(rates, expected) { #expect(abs(rate / expected - 1) < 1e-12) }
  }

  @Test func aValidationFallsAfterTheStepThatEndsAnEpoch() {
    #expect((0...5).filter { plan(maxSteps: 9).isTimeToValidate(state($0)) } == [3, 5])
    #expect((0...5).filter { plan(validateEvery: 2).isTimeToValidate(state($0)) } == [2, 4, 5])
    #expect((0...5).filter { plan(validates: false).isTimeToValidate(state($0)) } == [])
    var measured = state(3)
    measured.validation = .init(step: 3, top1Error: 50)
    #expect(!plan().isTimeToValidate(measured))
  }

  @Test func aCheckpointFollowsTheValidationThatIsDue() {
    let plan = plan(checkpointEvery: 2)
    #expect((0...4).filter { plan.isScheduledSave(state($0)) } == [2, 4])
    var measured = state(3)
    measured.validation = .init(step: 3, top1Error: 50)
    #expect(plan.isScheduledSave(measured) && !plan.isScheduledSave(state(3)))
    #expect(plan.isTimeToSave(measured, saved: nil))
    #expect(plan.isTimeToSave(measured, saved: state(3)))
    #expect(!plan.isTimeToSave(measured, saved: measured))
  }

  @Test func aRunThatMayGoBackSavesItsStart() {
    #expect(plan(mayGoBack: true).isScheduledSave(state(0)) && !plan().isScheduledSave(state(0)))
  }

  @Test func goingBackHalvesTheLearningRate() {
    var back = state(1)
    back.rollbacks = .init(count: 1, rateFactor: 0.5)
    #expect(plan().learningRate(state(1)) == 0.01 && plan().learningRate(back) == 0.005)
  }
}
