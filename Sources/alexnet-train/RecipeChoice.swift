import AlexNet
import Data
import Failures
import Options
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

  func recipe(
    _ arguments: Arguments, isDemonstration: Bool
  ) throws(Failure) -> Recipe {
    var recipe = Recipe.named(try recipeName(arguments))
    recipe.epochs = try arguments.integer("epochs", in: 1...1_000_000) ?? recipe.epochs
    recipe.batchSize = try arguments.integer("batch-size", in: 1...65_536) ?? recipe.batchSize
    recipe.learningRate =
      try arguments.number("learning-rate", in: 1e-12...1e6) ?? recipe.learningRate
    recipe.momentum = try arguments.number("momentum", in: 0...1) ?? recipe.momentum
    recipe.weightDecay = try arguments.number("weight-decay", in: 0...1e6) ?? recipe.weightDecay
    if arguments.has("no-augmentation") { recipe.augmentation = recipe.augmentation.withoutChance }
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
    return recipe
  }
}
