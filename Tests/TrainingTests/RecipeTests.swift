import Data
import Foundation
import Layers
import Networks
import System
import Testing
import Training

/// What a run's first lines and config.json say of its recipe, and what a resumed run compares.
@Suite struct RecipeTests {
  private func settings(_ recipe: Recipe) -> TrainingSettings {
    TrainingSettings(
      network: .alexNet(classes: 10, recipe: recipe.name), recipe: recipe, dataset: "/data",
      datasetChecksum: "", seed: 1, maxSteps: nil, validateEvery: nil, checkpointEvery: nil,
      keptCheckpoints: 2, algorithm: .automatic, threadsPerTower: 1)
  }

  @Test(arguments: RecipeName.allCases) func settingsSurviveARoundTripThroughJSON(
    _ name: RecipeName
  )
    throws
  {
    let written = settings(.named(name))
    #expect(try TrainingSettings(written.json, from: "config.json") == written)
  }

  @Test func otherEpochsStretchWhatHasALength() {
    var recipe = Recipe.named(.paper)
    #expect(!recipe.hasLength)
    (recipe.epochs, recipe.schedule) = (4, .cosine(epochs: 4))
    recipe.stretch(toEpochs: 6)
    #expect(recipe.hasLength && recipe.schedule == .cosine(epochs: 6) && recipe.epochs == 6)
    recipe.schedule = .steps(divisor: 10, epochs: [2, 4])
    recipe.stretch(toEpochs: 9)
    #expect(recipe.schedule == .steps(divisor: 10, epochs: [3, 6]))
    let table = LearningRateSchedule.table(epochs: [0, 3], rates: [1, 0.1])
    recipe.schedule = table
    recipe.stretch(toEpochs: 90)
    #expect(recipe.schedule == table && !recipe.hasLength)
  }

  @Test func whatComesToTheSameEpochHappensOnce() {
    // 24 of 91 epochs are done, 50 and 78: after 0.5, 1.1 and 1.7 of 2.
    var recipe = Recipe.named(.code2012)
    recipe.stretch(toEpochs: 2)
    #expect(recipe.schedule == .epochs(divisor: 10, from: [2, 3]))
    recipe = .named(.code2012)
    recipe.stretch(toEpochs: 9)
    // 66 and 71 of 91 are 6.5 and 7.02 of 9: both at the beginning of epoch 8.
    #expect(
      recipe.layerRates?["conv1"] == [LayerRate(fromEpoch: 8, weights: 0, biases: 0)],
      "\(recipe.layerRates ?? [:])")
  }

  @Test func aDifferenceIsNamedByWhatWasChanged() {
    let saved = settings(.paper)
    var now = saved
    now.recipe.trust = 0.001
    #expect(
      now.differences(from: saved).map(\.sentence)
        == ["--optimiser lars differs from the run's sgd"])
    now = saved
    now.network = .alexNet(classes: 10, recipe: .code2012)
    let sentence = now.networkDifference(from: saved)
    #expect(sentence?.contains("which differs in '") == true, "\(sentence ?? "none")")
  }

  @Test func configJSONNumbersEpochsLikeThePublishedFiles() throws {
    let object = try JSONSerialization.jsonObject(with: Data(settings(.code2012).json.utf8))
    let recipe = try #require((object as? [String: Any])?["recipe"] as? [String: Any])
    let rates = try #require((recipe["layerRates"] as? [String: Any])?["conv1"] as? [[String: Any]])
    #expect(rates.map { $0["fromEpoch"] as? Int } == [67, 72])
    #expect(rates.map { $0["weights"] as? Double } == [0.1, 0])
    #expect(rates.map { $0["biases"] as? Double } == [1, 0])
    let epochs = (recipe["schedule"] as? [String: Any])?["epochs"] as? [String: Any]
    #expect(epochs?["from"] as? [Int] == [25, 51, 79])
    let augmentation = try #require(recipe["augmentation"] as? [String: Any])
    #expect(augmentation["colourNoiseEndEpoch"] as? Int == 67)
  }

  @Test func aChangedLayerScheduleIsADifference() {
    let saved = settings(.code2012)
    var now = saved
    now.recipe.layerRates?["conv1"]?[1].fromEpoch = 80
    let differences = now.differences(from: saved)
    #expect(differences.map(\.key) == ["schedule"])
    #expect(
      differences.first?.sentence
        == "the schedule of layer 'conv1' was 'from epoch 67 on its weights learn at 0.1 of the "
        + "rate, its biases learn as the others do, from epoch 72 on its weights and biases do not "
        + "change' and is 'from epoch 67 on its weights learn at 0.1 of the rate, its biases learn "
        + "as the others do, from epoch 80 on its weights and biases do not change'")
    now.recipe.layerRates = nil
    #expect(now.differences(from: saved).first?.sentence.hasSuffix("and is 'none'") == true)
    now = saved
    now.recipe.schedule = .epochs(divisor: 10, from: [30])
    #expect(
      now.differences(from: saved).map(\.sentence) == [
        "the learning rate's schedule was 'the rate, divided by 10 at the start of epochs 25, 51 "
          + "and 79' and is 'the rate, divided by 10 at the start of epoch 30'"
      ])
    // What the words do not show is a difference too.
    now = saved
    now.recipe.learningRate = saved.recipe.learningRate.nextUp
    #expect(
      now.differences(from: saved).map(\.sentence) == ["--learning-rate differs from the run's"])
  }

  /// Files of the first version counted the end of the colour noise from 0, and their steps are
  /// epochs done.
  @Test func settingsOfVersionsBeforeTheFirstReleaseAreRefused() {
    let text = settings(.code2012).json
    for other in ["\"formatVersion\" : 1,", ""] {
      let old = text.replacing("\"formatVersion\" : 2,", with: other)
      #expect(old != text)
      let failure = #expect(throws: Failure.self) {
        _ = try TrainingSettings(old, from: "config.json")
      }
      #expect(failure?.exitCode == .badData)
    }
  }

  @Test func aScheduleForAMissingLayerIsRefused() {
    var wrong = settings(.code2012)
    wrong.recipe.layerRates?["conv9"] = [LayerRate(fromEpoch: 1, weights: 1, biases: 1)]
    let failure = #expect(throws: Failure.self) {
      _ = try TrainingSettings(wrong.json, from: "config.json")
    }
    #expect(failure?.exitCode == .badData && failure?.message.contains("'conv9'") == true)
    var early = settings(.code2012)
    early.recipe.layerRates?["conv1"]?[0].fromEpoch = 0
    #expect(throws: Failure.self) { _ = try TrainingSettings(early.json, from: "config.json") }
  }

  @Test func theRecipeIsOneSentence() {
    #expect(
      Recipe.code2012.text
        == "The recipe is code2012: learning rate 0.01, divided by 10 at the start of epochs 25, "
        + "51 and 79; momentum 0.9; weight decay 0.0005; biases at 2 times the initial learning "
        + "rate throughout, without decay; conv1: from epoch 67 on its weights learn at 0.1 of the "
        + "rate, its biases learn as the others do, from epoch 72 on its weights and biases do not "
        + "change; random crops, mirror images, colour noise (up to epoch 66).")
    #expect(
      Recipe.paper.text
        == "The recipe is paper: learning rate 0.01, divided by 10 when the validation error has "
        + "not improved for 5 validations, 3 times; momentum 0.9; weight decay 0.0005; random "
        + "crops, mirror images, colour noise."
    )
  }

  /// Paper, figure 1: no regularisation of any kind.
  @Test(arguments: RecipeName.allCases) func theFourLayerNetworkIsTrainedAsInFigure1(
    _ name: RecipeName
  ) {
    let (recipe, changes) = Recipe.named(name, preset: "cifar-four-layer")
    #expect(recipe.learningRate == 0.001 && recipe.weightDecay == 0 && recipe.momentum == 0.9)
    #expect(recipe.augmentation.crop == .centre && !recipe.augmentation.mirror)
    #expect(recipe.augmentation.colourNoise == 0 && recipe.augmentation.divisor == 1)
    #expect(recipe.augmentation.meanPlace == Recipe.named(name).augmentation.meanPlace)
    #expect(changes?.contains("figure 1") == true)
    for other in NetworkSpecification.presetNames where other != "cifar-four-layer" {
      #expect(Recipe.named(name, preset: other).recipe == .named(name))
    }
    #expect(Recipe.named(name, preset: nil).changes == nil)
  }
}

/// Numbers as people write them.
@Suite struct PlainNumberTests {
  static let cases: [(Double, String)] = [
    (0.001 / 10, "0.0001"), (1e-11 / 10, "1e-12"), (0.1 + 0.2, "0.3"), (1, "1"), (-2.5, "-2.5"),
    (0.0005, "0.0005"), (1e6, "1000000"), (0, "0"), (-Double.nan, "not a number"),
    (Double.nan, "not a number"), (Double.infinity, "infinite"),
    (-Double.infinity, "minus infinity"),
  ]

  @Test(arguments: cases)
  func numbersAreShownShort(_ number: Double, _ text: String) {
    #expect(plain(number) == text)
  }

  @Test func asWrittenEqualsTheNumberShown() {
    #expect((0.1 + 0.2).asWritten == 0.3 && 0.1 + 0.2 != 0.3)
    #expect(Double.infinity.asWritten == .infinity && Double.nan.asWritten.isNaN)
  }

  /// A third of 91 epochs: 24, 50 and 78 epochs done become 8, 16.7 and 26; 66 and 71 become 22 and
  /// 23.7.
  @Test func theAuthorsScheduleStretchesToOtherEpochs() {
    var recipe = Recipe.code2012
    recipe.stretch(toEpochs: 30)
    #expect(recipe.schedule == .epochs(divisor: 10, from: [9, 17, 27]))
    #expect(recipe.layerRates?["conv1"]?.map(\.fromEpoch) == [23, 24])
    #expect(recipe.augmentation.colourNoiseEndEpoch == 23 && recipe.epochs == 30)
    recipe = .code2012
    recipe.stretch(toEpochs: 91)
    #expect(recipe == .code2012)
    // The first epoch keeps the whole rate, however short the run.
    recipe.stretch(toEpochs: 1)
    #expect(recipe.schedule == .epochs(divisor: 10, from: [2]))
  }

  /// `sklearn.utils.class_weight.compute_class_weight("balanced")` of 6, 3 and 1 images.
  @Test func classWeightsAreTheInverseOfShares() {
    let weights = ClassBalance.weights([6, 3, 0, 1])
    let expected = [10 / 18.0, 10 / 9.0, 0, 10 / 3.0]
    #expect(zip(weights, expected).allSatisfy { abs($0 - $1) < 1e-12 }, "\(weights)")
  }
}
