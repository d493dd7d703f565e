import Data
import Networks
import Options
import System
import Training

extension TrainCommand {
  /// The settings according to the options, all but those that depend on the dataset, and sentences
  /// about what the network changes in the recipe.
  func settings(
    for choice: NetworkChoice
  ) throws(Failure) -> (settings: TrainingSettings, said: [String]) {
    let name = arguments[TrainOptions.recipe]
    var (recipe, changes) = Recipe.named(name, preset: choice.preset)
    var said: [String] = []
    if let changes, let preset = choice.preset {
      said.append("\(preset) is trained with \(changes), unless options say otherwise.")
    }
    let network = try choice.network(classes: nil)
    let layers = network.layers.filter(\.hasWeights).map(\.name)
    for layer in (recipe.layerRates ?? [:]).keys.sorted() where !layers.contains(layer) {
      recipe.layerRates?[layer] = nil
      said.append(
        "The network has no layer \(quoted(layer)), so the schedule that \(name.rawValue) has for "
          + "it is left out."
      )
    }
    if recipe.layerRates?.isEmpty == true { recipe.layerRates = nil }
    var settings = TrainingSettings(network: network, recipe: recipe)
    for option in RecordedOptions.all { option.take(from: arguments, into: &settings) }
    switch (arguments[TrainOptions.augmentation], arguments[TrainOptions.noAugmentation]) {
    case (true, true):
      throw Failure(
        .usage, "--augmentation and --no-augmentation contradict each other; give one of them.")
    case (false, true):
      settings.recipe.augmentation = settings.recipe.augmentation.withoutChance
    case (true, false): settings.recipe.augmentation = Recipe.named(name).augmentation
    case (false, false): break
    }
    if isDemonstration {
      if !arguments.has(RecordedOptions.epochs) {
        settings.maxSteps = settings.maxSteps ?? Demonstration.steps
      }
      if let steps = settings.maxSteps {
        settings.recipe.schedule = Demonstration.schedule(
          steps: steps, batchSize: settings.recipe.batchSize)
      }
    }
    guard settings.patience != nil || !arguments.has(RecordedOptions.patience) else {
      throw Failure(
        .usage,
        "--patience needs --recipe paper and --data DATASET: here the learning rate falls after "
          + "a fixed time.")
    }
    return (settings, said)
  }
}
