import Layers
import Networks
import Testing
import Training

/// What is due after which step.
@Suite struct RunPlanTests {
  /// 250 images in batches of 100: an epoch ends in every third step or so.
  private func plan(
    maxSteps: Int? = nil, validateEvery: Int? = nil, checkpointEvery: Int? = nil,
    validates: Bool = true, mayGoBack: Bool = false
  ) -> RunPlan {
    var recipe = Recipe.named(.paper)
    (recipe.batchSize, recipe.epochs) = (100, 2)
    return RunPlan(
      TrainingSettings(
        network: .alexNet(classes: 10, recipe: recipe.name), recipe: recipe, dataset: "/data",
        datasetChecksum: "", seed: 1, maxSteps: maxSteps, validateEvery: validateEvery,
        checkpointEvery: checkpointEvery, keptCheckpoints: 2, algorithm: .automatic,
        threadsPerTower: 1),
      images: 250, validates: validates, mayGoBack: mayGoBack)
  }

  private func state(_ step: Int) -> TrainingState {
    var state = TrainingState()
    state.step = step
    return state
  }

  @Test func trainingEndsWhenAllImagesOfTheLastEpochWereSeenOrAtTheLimit() {
    #expect(plan().lastStep == 5 && plan(maxSteps: 3).lastStep == 3)
    #expect(!plan().isAtEnd(state(4)) && plan().isAtEnd(state(5)))
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
