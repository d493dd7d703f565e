import Data
import Networks
import Options
import System
import Training

extension TrainCommand {
  /// Where settings come from that the command line does not give: a sentence each.
  var sources: [String] {
    let file = arguments[TrainOptions.config].map {
      "Settings that options do not give: \(quoted($0))."
    }
    let variables = arguments.variables.joined(separator: " ")
    return [file, variables.isEmpty ? nil : "From the environment: \(variables)."]
      .compactMap(\.self)
  }

  /// The name of the recipe: the option's, otherwise that of the record.
  var recipeName: RecipeName {
    let given = arguments[TrainOptions.recipe]
    return arguments.has(TrainOptions.recipe) ? given : record.settings?.recipe.name ?? given
  }

  /// The settings according to the options and the record, all but those that depend on the
  /// dataset, and sentences about what the network changes in the recipe.
  func settings(
    for choice: NetworkChoice
  ) throws(Failure) -> (settings: TrainingSettings, said: [String]) {
    let name = recipeName
    var (recipe, changes) = Recipe.named(name, preset: choice.preset)
    var said: [String] = []
    var isRecorded = false
    if let recorded = record.settings?.recipe, recorded.name == name {
      (recipe, isRecorded) = (recorded, true)
    } else if let changes, let preset = choice.preset {
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
    var settings = record.settings ?? TrainingSettings(network: network, recipe: recipe)
    (settings.network, settings.recipe) = (network, recipe)
    for option in RecordedOptions.all { option.take(from: arguments, into: &settings) }
    let epochs = settings.recipe.epochs
    if epochs != recipe.epochs, !isRecorded {
      if case .epochs = recipe.schedule {
        said.append(
          "What \(name.rawValue) does at certain epochs of \(recipe.epochs) is done after the same "
            + "shares of \(epochs).")
      }
      settings.recipe.epochs = recipe.epochs
      settings.recipe.stretch(toEpochs: epochs)
    }
    switch (arguments[TrainOptions.augmentation], arguments[TrainOptions.noAugmentation]) {
    case (.some, true):
      throw Failure(
        .usage, "--augmentation and --no-augmentation contradict each other; give one of them.")
    case (nil, true):
      settings.recipe.augmentation = settings.recipe.augmentation.withoutChance
    case (let parts?, false):
      settings.recipe.augmentation = Recipe.named(name).augmentation.keeping(parts)
    case (nil, false): break
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
    try refine(&settings, recorded: recipe)
    if let epochs = arguments[TrainOptions.divideRateAt] {
      guard !arguments.has(TrainOptions.schedule) else {
        throw Failure(
          .usage, "--divide-rate-at and --schedule contradict each other; give one of them.")
      }
      settings.recipe.schedule = epochs.isEmpty ? .constant : .steps(divisor: 10, epochs: epochs)
    }
    // The schedule is known only now.
    RecordedOptions.patience.take(from: arguments, into: &settings)
    let plateaus: [any RecordedOption] = [RecordedOptions.patience, RecordedOptions.lastPlateau]
    for option in plateaus where settings.patience == nil && arguments.has(option) {
      throw Failure(
        .usage,
        "--\(option.declaration.name) needs --schedule plateau: here the learning rate falls after "
          + "a fixed time, or never.")
    }
    return (settings, said)
  }
}
