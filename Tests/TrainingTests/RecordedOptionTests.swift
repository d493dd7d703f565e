import Foundation
import JSON
import Layers
import ModelParallel
import Networks
import Options
import System
import Testing
import Training

/// What follows from the declaration of an option that a run records.
@Suite struct RecordedOptionTests {
  private let standard = TrainingSettings(
    network: .alexNet(classes: 10, recipe: .paper), recipe: .paper)

  private func command() -> Command {
    Command("train", overview: "", groups: [("All", RecordedOptions.all)])
  }

  private func settings(_ words: String...) throws -> TrainingSettings {
    var settings = standard
    let arguments = try command().parse(words)
    for option in RecordedOptions.all { option.take(from: arguments, into: &settings) }
    return settings
  }

  @Test func aNewRunHasTheDefaultsThatHelpNames() {
    #expect(standard.seed == 1 && standard.checkpointEvery == 500 && standard.keptCheckpoints == 2)
    #expect(standard.algorithm == .automatic && standard.formats == nil)
    #expect(standard.onDivergence == .stop && standard.onStall == .warn)
    let help = command().helpText
    for text in ["[default: 500 steps]", "[default: 2 checkpoints]", "[default: stop]"] {
      #expect(help.contains(text), "\(text)")
    }
  }

  @Test func wordsGoWhereTheirDeclarationsSay() throws {
    let settings = try settings(
      "--batch-size", "64", "--patience", "7", "--seed", "9", "--send-gradients", "bf16",
      "--on-stall", "stop", "--stall-steps", "30", "--skip-corrupt", "--validate-every", "11")
    #expect(settings.recipe.batchSize == 64 && settings.seed == 9 && settings.validateEvery == 11)
    #expect(
      settings.recipe.schedule
        == .plateau(divisor: 10, reductions: 3, patience: 7, threshold: 0.1))
    #expect(settings.formats == WireFormats(activations: .fp32, gradients: .bf16))
    #expect(settings.onStall == .stop && settings.stallSteps == 30)
    #expect(settings.skipsCorrupt == true && settings.tensorboard == false)
    #expect(try TrainingSettings(settings.json, from: "config.json") == settings)
    #expect(
      settings.differences(from: standard).map(\.sentence) == [
        "--batch-size 64 differs from the run's 128", "--seed 9 differs from the run's 1",
        "--validate-every 11 differs from the run's (each epoch)",
        "--send-gradients bf16 differs from the run's fp32",
        "the learning rate's schedule was 'the rate, divided by 10 when the validation error has "
          + "not improved for 5 validations, 3 times' and is 'the rate, divided by 10 when the "
          + "validation error has not improved for 7 validations, 3 times'",
      ])
    #expect(
      Set(settings.differences(from: standard).map(\.key)).isSubset(
        of: Set(TrainingSettings.changeable)))
  }

  @Test func aFileMustKeepToTheBoundsOfTheOptions() {
    for (option, change) in [
      ("--batch-size takes", { $0.recipe.batchSize = 0 }),
      ("--learning-rate takes", { $0.recipe.learningRate = -1 }),
      ("--patience takes", { $0.patience = 0 }), ("--keep takes", { $0.keptCheckpoints = 0 }),
      ("--stall-steps takes", { $0.stallSteps = -3 }),
    ] as [(String, (inout TrainingSettings) -> Void)] {
      var wrong = standard
      change(&wrong)
      let failure = #expect(throws: Failure.self) {
        _ = try TrainingSettings(wrong.json, from: "config.json")
      }
      #expect(failure?.exitCode == .badData, "\(option)")
      #expect(failure?.message.hasPrefix("'config.json' holds") == true, "\(option)")
      #expect(failure?.message.contains(option) == true, "\(failure?.message ?? "")")
    }
  }

  /// The words of version 1.0.0, which recorded less.
  @Test func theFilesOfTheFirstReleaseAreRead() throws {
    let network = JSONText.encode(NetworkSpecification.alexNet(classes: 10, recipe: .paper))
    let text = """
      { "algorithm": "automatic", "checkpointEvery": 4, "dataset": "data",
        "datasetChecksum": "678c", "formatVersion": 2, "keptCheckpoints": 2, "maxSteps": 16,
        "network": \(network),
        "recipe": {
          "augmentation": { "colourNoise": 0, "colourScale": "eigenvalue", "crop": "centre",
            "cropChunk": 1, "divisor": 1, "meanPlace": "cropsOwn", "mirror": false },
          "batchSize": 8, "biasLearningRateFactor": 1, "biasesAnneal": true, "biasesDecay": true,
          "epochs": 90, "learningRate": 0.001, "momentum": 0.9, "name": "paper",
          "schedule": { "plateau": { "divisor": 10, "patience": 5, "reductions": 3,
            "threshold": 0.1 } },
          "weightDecay": 0 },
        "seed": 1, "skipsCorrupt": false, "threadsPerTower": 1 }
      """
    let read = try TrainingSettings(text, from: "config.json")
    #expect(read.recipe.batchSize == 8 && read.maxSteps == 16 && read.patience == 5)
    #expect(read.onStall == nil && read.onDivergence == nil && read.formats == nil)
    // What it did not record makes no difference to a run that goes on.
    var now = read
    for option in RecordedOptions.stopping { option.setStandard(in: &now) }
    #expect(now.onStall == .warn && now.differences(from: read).isEmpty)
  }
}
