import MPI
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
  /// All but what depends on the dataset.
  let settings: TrainingSettings
  /// Sentences about where settings come from, and what the network changes in the recipe.
  let said: [String]
  let parallelChoice: ParallelChoice
  let placement: Placement
  let timeline: TimelineChoice?

  init(_ command: TrainCommand, start: Double) throws {
    let arguments = command.arguments
    try command.checkRateSearch()
    cores = try Cores(command.world, threads: arguments[TrainOptions.threads])
    guard
      !arguments.has(TrainOptions.classes)
        || arguments[TrainOptions.dryRun] && !arguments.has(TrainOptions.data)
    else {
      throw Failure(
        .usage,
        "--classes needs --dry-run and excludes --data, since a dataset has its own classes.")
    }
    guard arguments[TrainOptions.dryRun] || !arguments[TrainOptions.verbose] else {
      throw Failure(.usage, "--verbose needs --dry-run, which shows every setting with it.")
    }
    timeline = arguments[TrainOptions.timeline].map {
      TimelineChoice(
        path: $0, steps: arguments[TrainOptions.timelineSteps],
        isDefault: !arguments.has(TrainOptions.timelineSteps))
    }
    guard timeline != nil || !arguments.has(TrainOptions.timelineSteps) else {
      throw Failure(.usage, "--timeline-steps needs --timeline FILE, the file to write.")
    }
    if command.world.rank == 0 {
      let run = arguments[TrainOptions.out]
      try arguments.checkOutputs([TrainOptions.rateChart, TrainOptions.timeline], coming: run)
      if let timeline, let run, OutputPlace.isFile(timeline.path, ofRunIn: run) {
        throw Failure(
          .cannotCreate,
          "\(quoted(timeline.path)) is one of the run's own files; give --timeline another name.")
      }
    }
    weights = try command.weightFile()
    var choice = try command.networkChoice(weights: weights)
    if arguments.has(TrainOptions.initial) { choice.initial = arguments[TrainOptions.initial] }
    self.choice = choice
    let (settings, changes) = try command.settings(for: choice)
    self.settings = settings
    said = command.sources + changes
    try Agreement(world: command.world).agree(onPrecision: settings.layerPrecision)
    safeguards = try Safeguards(settings, arguments, start: start)
    parallelChoice = ParallelChoice(arguments, formats: settings.wireFormats)
    placement = try Placement(
      towers: choice.network(classes: nil).towers, over: command.world,
      towersPerRank: arguments[TrainOptions.towersPerRank])
  }
}
