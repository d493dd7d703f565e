import Foundation
import Layers
import Networks
import TestSupport
import Testing
import Training

/// What is due at a step, worked by hand.
@Suite struct RunPlanTests {
  private static func plan(
    images: Int, batch: Int, epochs: Int = 2, maxSteps: Int? = nil, validateEvery: Int? = nil,
    checkpointEvery: Int? = nil, schedule: LearningRateSchedule = .constant
  ) -> RunPlan {
    var recipe = Recipe.paper
    (recipe.batchSize, recipe.epochs, recipe.schedule) = (batch, epochs, schedule)
    return RunPlan(
      TrainingSettings(
        network: SmallNetworks.alexNetLike(), recipe: recipe, dataset: "", datasetChecksum: "",
        seed: 1, maxSteps: maxSteps, validateEvery: validateEvery,
        checkpointEvery: checkpointEvery, keptCheckpoints: 2, algorithm: .automatic,
        threadsPerTower: 1), images: images)
  }

  /// Two epochs of 10 images are 20 images: four batches of 5, or five of 4, or seven of 3.
  @Test(arguments: [(5, 4), (4, 5), (3, 7), (20, 1), (64, 1)])
  func aRunEndsWithTheBatchThatHoldsItsLastImage(batch: Int, steps: Int) {
    #expect(Self.plan(images: 10, batch: batch).lastStep == steps)
  }

  @Test func theLimitOfStepsEndsARunEarlierAndNeverLater() {
    #expect(Self.plan(images: 10, batch: 4, maxSteps: 3).lastStep == 3)
    #expect(Self.plan(images: 10, batch: 4, maxSteps: 300).lastStep == 5)
    #expect(Self.plan(images: 10, batch: 4, maxSteps: 0).lastStep == 0)
  }

  /// Batches of 4 out of 10 images: images 1-4, 5-8, 9-12 (an epoch ends within), 13-16, 17-20 (another ends).
  @Test func eachEpochIsValidatedAfterTheStepInWhichItEnds() {
    let plan = Self.plan(images: 10, batch: 4, epochs: 4)
    #expect((1...10).filter(plan.isTimeToValidate) == [3, 5, 8, 10])
    // Every step ends an epoch where a batch holds all images, or more than there are.
    #expect((1...4).allSatisfy(Self.plan(images: 10, batch: 10).isTimeToValidate))
    #expect((1...4).allSatisfy(Self.plan(images: 10, batch: 25).isTimeToValidate))
  }

  @Test func anIntervalOfValidationsTakesThePlaceOfEpochs() {
    let plan = Self.plan(images: 10, batch: 4, epochs: 4, validateEvery: 4)
    #expect((1...10).filter(plan.isTimeToValidate) == [4, 8])
  }

  @Test func checkpointsHaveAnIntervalOfTheirOwnOrNone() {
    #expect(
      (1...7).filter(Self.plan(images: 10, batch: 4, checkpointEvery: 3).isTimeToSave) == [3, 6])
    #expect(!(1...7).contains(where: Self.plan(images: 10, batch: 4).isTimeToSave))
  }

  @Test func epochsAreCountedInImages() {
    let plan = Self.plan(images: 10, batch: 4)
    #expect(plan.epochs(after: 0) == 0 && plan.epochs(after: 5) == 2)
    #expect(abs(plan.epochs(after: 3) - 1.2) < 1e-15)
    // The third step begins with image 8 of the first epoch, the fourth with the second epoch's third image.
    #expect((0...5).map(plan.epoch) == [1, 1, 1, 2, 2, 3])
  }

  @Test func theLearningRateFollowsTheEpochsDone() {
    let plan = Self.plan(
      images: 10, batch: 5, epochs: 4, schedule: .steps(divisor: 10, epochs: [1, 2.5]))
    var state = TrainingState()
    let rates = (0..<8).map { step in
      state.step = step
      return plan.learningRate(state)
    }
    let expected = [0.01, 0.01, 0.001, 0.001, 0.001, 0.0001, 0.0001, 0.0001]
    for (rate, expected) in zip(rates, expected) { #expect(abs(rate / expected - 1) < 1e-12) }
  }
}
