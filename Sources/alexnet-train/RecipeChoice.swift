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
    if let epochs = arguments[TrainOptions.epochs], epochs != recipe.epochs {
      if case .epochs = recipe.schedule {
        said.append(
          "What \(name.rawValue) does at certain epochs of \(recipe.epochs) is done after the same "
            + "shares of \(epochs).")
      }
      recipe.stretch(toEpochs: epochs)
    }
    recipe.batchSize = arguments[TrainOptions.batchSize] ?? recipe.batchSize
    recipe.learningRate = arguments[TrainOptions.learningRate] ?? recipe.learningRate
    recipe.momentum = arguments[TrainOptions.momentum] ?? recipe.momentum
    recipe.weightDecay = arguments[TrainOptions.weightDecay] ?? recipe.weightDecay
    switch (arguments[TrainOptions.augmentation], arguments[TrainOptions.noAugmentation]) {
    case (.some, true):
      throw Failure(
        .usage, "--augmentation and --no-augmentation contradict each other; give one of them.")
    case (nil, true): recipe.augmentation = recipe.augmentation.withoutChance
    case (let parts?, false):
      recipe.augmentation = Recipe.named(name).augmentation.keeping(parts)
    case (nil, false): break
    }
    if isDemonstration, let steps {
      recipe.schedule = Demonstration.schedule(steps: steps, batchSize: recipe.batchSize)
    }
    try refine(&recipe)
    if let patience = arguments[TrainOptions.patience] {
      guard case .plateau(let divisor, let reductions, _, let threshold) = recipe.schedule else {
        throw Failure(
          .usage,
          "--patience needs --schedule plateau: here the learning rate falls after a fixed time.")
      }
      recipe.schedule = .plateau(
        divisor: divisor, reductions: reductions, patience: patience, threshold: threshold)
    }
    return (recipe, said)
  }
}
