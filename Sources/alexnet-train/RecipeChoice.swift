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

  /// What to say where a run that goes on is to last another number of epochs than its schedule is
  /// made for.
  /// - Throws: `Failure` (usage) where the learning rate would be 0.
  private func lengthened(_ recipe: Recipe, toEpochs epochs: Int) throws(Failure) -> [String] {
    let remedy =
      "give --schedule \(recipe.schedule.word ?? "plateau, step, cosine or FILE") with "
      + "--allow-changed schedule to make it anew"
    if case .cosine(let length) = recipe.schedule, Double(epochs) > length {
      throw Failure(
        .usage,
        "The run's cosine ends after \(plain(length, digits: 6)) epochs, and after that the learning "
          + "rate is 0, so epochs up to \(epochs) would learn nothing; \(remedy).")
    }
    return [
      "The run's schedule is made for \(recipe.epochs) epochs and stays so in a run of \(epochs); "
        + "\(remedy)."
    ]
  }

  /// What of the record no longer holds since options ask for another recipe, in a sentence.
  private func dropped(from settings: TrainingSettings, isRecorded: Bool) -> [String] {
    guard let recorded = record.settings, !isRecorded else { return [] }
    let names = RecordedOptions.training.filter {
      !arguments.has($0) && $0.difference(from: recorded, settings) != nil
    }.map { "--\($0.declaration.name)" }
    let rest = names.isEmpty ? "" : ", nor do \(listed(names)) of the record"
    return [
      "The recipe \(recorded.recipe.name.rawValue) of the record no longer holds\(rest), since "
        + "another recipe was asked for; give again the options whose values are to stay."
    ]
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
    let isScheduleGiven =
      arguments.has(TrainOptions.schedule) || arguments.has(TrainOptions.divideRateAt)
    if epochs != recipe.epochs, recipe.hasLength {
      if isRecorded, record.file == nil {
        // A run that goes on keeps its schedule.
        if !isScheduleGiven { said += try lengthened(recipe, toEpochs: epochs) }
      } else {
        let colour = recipe.augmentation.colourNoiseEndEpoch
        if !isScheduleGiven || recipe.layerRates != nil || colour != nil {
          said.append(
            "What \(isRecorded ? "the record" : name.rawValue) does at certain epochs of "
              + "\(recipe.epochs) is done after the same shares of \(epochs).")
        }
        settings.recipe.epochs = recipe.epochs
        settings.recipe.stretch(toEpochs: epochs)
      }
    }
    said += dropped(from: settings, isRecorded: isRecorded)
    switch (arguments[TrainOptions.augmentation], arguments[TrainOptions.noAugmentation]) {
    case (.some, true):
      throw Failure(
        .usage, "--augmentation and --no-augmentation contradict each other; give one of them.")
    case (nil, true):
      settings.recipe.augmentation = settings.recipe.augmentation.withoutChance
    case (let parts?, false):
      var whole = Recipe.named(name)
      whole.stretch(toEpochs: settings.recipe.epochs)
      let noiseEnd = settings.recipe.augmentation.colourNoiseEndEpoch
      settings.recipe.augmentation = whole.augmentation.keeping(parts)
      if noiseEnd != nil, settings.recipe.augmentation.colourNoiseEndEpoch != nil {
        settings.recipe.augmentation.colourNoiseEndEpoch = noiseEnd
      }
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
