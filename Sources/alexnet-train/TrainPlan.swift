import ModelParallel
import Networks
import Options
import System
import Training

/// The options that do not depend on the dataset.
///
/// Errors in them are found before a dataset is prepared or read.
struct TrainPlan {
  let safeguards: Safeguards
  let cores: Cores
  /// The file with the weights; nil for initial values.
  let weights: String?
  let choice: NetworkChoice
  let recipe: Recipe
  /// Sentences about what the network changes in the recipe.
  let said: [String]
  let parallelChoice: ParallelChoice
  let placement: Placement
  let timeline: TimelineChoice?

  init(_ command: TrainCommand, start: Double) throws {
    let arguments = command.arguments
    try command.checkRateSearch()
    safeguards = try Safeguards(arguments, start: start)
    cores = try Cores(command.world, threads: arguments[TrainOptions.threads])
    guard
      !arguments.has(TrainOptions.classes)
        || arguments[TrainOptions.dryRun] && !arguments.has(TrainOptions.data)
    else {
      throw Failure(
        .usage,
        "--classes needs --dry-run and excludes --data, since a dataset has its own classes.")
    }
    guard !arguments[TrainOptions.resume] || arguments.has(TrainOptions.out) else {
      throw Failure(.usage, "--resume needs --out, the folder of the run to continue.")
    }
    timeline = arguments[TrainOptions.timeline].map {
      TimelineChoice(path: $0, steps: arguments[TrainOptions.timelineSteps])
    }
    guard timeline != nil || !arguments.has(TrainOptions.timelineSteps) else {
      throw Failure(.usage, "--timeline-steps needs --timeline FILE, the file to write.")
    }
    weights = try command.weightFile()
    var choice = try command.networkChoice(weights: weights)
    choice.initial = arguments[TrainOptions.initial]
    self.choice = choice
    (recipe, said) = try command.recipe(for: choice)
    parallelChoice = ParallelChoice(arguments)
    placement = try Placement(
      towers: choice.network(classes: nil).towers, over: command.world,
      towersPerRank: arguments[TrainOptions.towersPerRank])
  }
}
