import Data
import Networks
import Options
import System
import Training

extension TrainCommand {
  /// The limit on the number of steps, if there is one.
  var steps: Int? {
    let standard =
      isDemonstration && !arguments.has(TrainOptions.epochs) ? Demonstration.steps : nil
    return arguments[TrainOptions.maxSteps] ?? standard
  }

  /// The recipe according to the options, and sentences about what the network changes in it.
  func recipe(for choice: NetworkChoice) throws(Failure) -> (recipe: Recipe, said: [String]) {
    let name = arguments[TrainOptions.recipe]
    var (recipe, changes) = Recipe.named(name, preset: choice.preset)
    var said: [String] = []
    if let changes, let preset = choice.preset {
      said.append("\(preset) is trained with \(changes), unless options say otherwise.")
    }
    let layers = try choice.network(classes: nil).layers.filter(\.hasWeights).map(\.name)
    for layer in (recipe.layerRates ?? [:]).keys.sorted() where !layers.contains(layer) {
      recipe.layerRates?[layer] = nil
      said.append(
        "The network has no layer \(quoted(layer)), so the schedule that \(name.rawValue) has for "
          + "it is left out."
      )
    }
    if recipe.layerRates?.isEmpty == true { recipe.layerRates = nil }
    recipe.epochs = arguments[TrainOptions.epochs] ?? recipe.epochs
    recipe.batchSize = arguments[TrainOptions.batchSize] ?? recipe.batchSize
    recipe.learningRate = arguments[TrainOptions.learningRate] ?? recipe.learningRate
    recipe.momentum = arguments[TrainOptions.momentum] ?? recipe.momentum
    recipe.weightDecay = arguments[TrainOptions.weightDecay] ?? recipe.weightDecay
    switch (arguments[TrainOptions.augmentation], arguments[TrainOptions.noAugmentation]) {
    case (true, true):
      throw Failure(
        .usage, "--augmentation and --no-augmentation contradict each other; give one of them.")
    case (false, true): recipe.augmentation = recipe.augmentation.withoutChance
    case (true, false): recipe.augmentation = Recipe.named(name).augmentation
    case (false, false): break
    }
    if arguments[TrainOptions.noMirror] { recipe.augmentation.mirror = false }
    if arguments[TrainOptions.noColourNoise] {
      recipe.augmentation = recipe.augmentation.withoutColourNoise
    }
    if let epochs = arguments[TrainOptions.divideRateAt] {
      recipe.schedule = epochs.isEmpty ? .constant : .steps(divisor: 10, epochs: epochs)
    } else if isDemonstration, let steps {
      recipe.schedule = Demonstration.schedule(steps: steps, batchSize: recipe.batchSize)
    }
    if let patience = arguments[TrainOptions.patience] {
      guard case .plateau(let divisor, let reductions, _, let threshold) = recipe.schedule else {
        throw Failure(
          .usage,
          "--patience needs --recipe paper, --data DATASET and no --divide-rate-at: here the "
            + "learning rate falls after a fixed time, or never.")
      }
      recipe.schedule = .plateau(
        divisor: divisor, reductions: reductions, patience: patience, threshold: threshold)
    }
    return (recipe, said)
  }
}
