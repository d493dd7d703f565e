import MPI
import ModelParallel
import Networks
import Options
import System
import Training

/// What the command line asks for, as far as it needs no dataset.
struct TrainRequest {
  let arguments: Arguments
  let safeguards: Safeguards
  let cores: Cores
  /// How many classes a dry run without a dataset is of; nil where nobody says.
  let classes: Int?
  /// The file that the weights come from; nil for initial ones.
  let weights: String?
  let choice: NetworkChoice
  let recipe: Recipe
  /// Sentences about what the network changes in the recipe.
  let said: [String]
  let parallel: ParallelChoice
  let placement: Placement

  var isDryRun: Bool { arguments.has("dry-run") }
  var isDemonstration: Bool { Demonstration.isAskedFor(by: arguments) }
}

extension TrainCommand {
  /// Reads the options; all ranks call it together.
  ///
  /// What can be wrong without a dataset is found before one is prepared or read.
  func request(_ arguments: Arguments, start: Double) throws -> TrainRequest {
    Activity.begin("options")
    for name in ["data", "out", "network", "init-from"] where arguments.string(name) == "" {
      throw Failure(.usage, "--\(name) was given an empty value; leave it out or name something.")
    }
    let safeguards = try safeguards(arguments, start: start)
    let cores = try Cores(world, threads: arguments.integer("threads", in: 1...1024))
    let classes = try arguments.integer("classes", in: 2...1_000_000)
    guard classes == nil || (arguments.has("dry-run") && !arguments.has("data")) else {
      throw Failure(
        .usage, "--classes goes with --dry-run and without --data; a dataset has its own classes.")
    }
    guard !arguments.has("resume") || arguments.has("out") else {
      throw Failure(.usage, "--resume needs --out with the folder of the run that is to go on.")
    }
    let weights = try weightFile(arguments)
    let choice = try networkChoice(arguments, weights: weights)
    let (recipe, said) = try self.recipe(
      arguments, for: choice, isDemonstration: Demonstration.isAskedFor(by: arguments))
    return TrainRequest(
      arguments: arguments, safeguards: safeguards, cores: cores, classes: classes,
      weights: weights, choice: choice, recipe: recipe, said: said,
      parallel: try ParallelChoice(arguments),
      placement: try Placement(
        towers: choice.network(classes: nil).towers, over: world,
        towersPerRank: ParallelChoice.towersPerRank(arguments)))
  }
}
