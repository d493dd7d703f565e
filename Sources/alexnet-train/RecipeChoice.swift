import Data
import Networks
import Options
import System
import Training

extension TrainCommand {
  /// The limit to the steps, if there is one.
  func steps(_ arguments: Arguments, isDemonstration: Bool) throws(Failure) -> Int? {
    let standard = isDemonstration && !arguments.has("epochs") ? Demonstration.steps : nil
    return try arguments.integer("max-steps", in: 0...1_000_000_000_000) ?? standard
  }

  /// Which source the training follows.
  func recipeName(_ arguments: Arguments) throws(Failure) -> RecipeName {
    try arguments.choice("recipe", of: RecipeName.self) ?? .paper
  }

  /// The recipe that the options ask for, and sentences about what the network changes in it.
  func recipe(
    _ arguments: Arguments, for choice: NetworkChoice, isDemonstration: Bool
  ) throws(Failure) -> (recipe: Recipe, said: [String]) {
    let name = try recipeName(arguments)
    var (recipe, changes) = Recipe.named(name, preset: choice.preset)
    var said: [String] = []
    if let changes, let preset = choice.preset {
      said.append("\(preset) is trained with \(changes), where no option says otherwise.")
    }
    let layers = try choice.network(classes: nil).layers.filter(\.hasWeights).map(\.name)
    for layer in (recipe.layerRates ?? [:]).keys.sorted() where !layers.contains(layer) {
      recipe.layerRates?[layer] = nil
      said.append(
        "The network has no layer \(quoted(layer)), so the schedule that \(name.rawValue) has for it is left out."
      )
    }
    if recipe.layerRates?.isEmpty == true { recipe.layerRates = nil }
    recipe.epochs = try arguments.integer("epochs", in: 1...1_000_000) ?? recipe.epochs
    recipe.batchSize = try arguments.integer("batch-size", in: 1...65_536) ?? recipe.batchSize
    recipe.learningRate =
      try arguments.number("learning-rate", in: 1e-12...1e6) ?? recipe.learningRate
    recipe.momentum = try arguments.number("momentum", in: 0...1) ?? recipe.momentum
    recipe.weightDecay = try arguments.number("weight-decay", in: 0...1e6) ?? recipe.weightDecay
    guard !(arguments.has("augmentation") && arguments.has("no-augmentation")) else {
      throw Failure(
        .usage, "--augmentation and --no-augmentation contradict each other; give one of them.")
    }
    if arguments.has("no-augmentation") {
      recipe.augmentation = recipe.augmentation.withoutChance
    } else if arguments.has("augmentation") {
      recipe.augmentation = Recipe.named(name).augmentation
    }
    if isDemonstration, let steps = try steps(arguments, isDemonstration: true) {
      recipe.schedule = Demonstration.schedule(steps: steps, batchSize: recipe.batchSize)
    }
    if let patience = try arguments.integer("patience", in: 1...1_000_000) {
      guard case .plateau(let divisor, let reductions, _, let threshold) = recipe.schedule else {
        throw Failure(
          .usage,
          "--patience goes with --recipe paper and a dataset in --data: this learning rate falls after a "
            + "fixed time.")
      }
      recipe.schedule = .plateau(
        divisor: divisor, reductions: reductions, patience: patience, threshold: threshold)
    }
    return (recipe, said)
  }
}
