import Data
import Foundation
import Layers
import MPI
import ModelParallel
import Networks
import Options
import Planning
import Supervision
import System
import Training

/// The program: from the command line to a finished run.
struct TrainCommand {
  let world: Communicator

  init(_ world: Communicator) { self.world = world }

  func run(_ words: some Sequence<String>) throws -> ExitCode {
    let start = MonotonicClock.seconds
    let arguments = try Self.options.parse(words)
    if arguments.has("help") {
      say(Self.options.helpText)
      return .done
    }
    let firstMessages = Watchdog(firstMessagesOf: world, limit: Self.firstMessagesLimit)
    // First of all, since a job may be killed at any moment.
    try SegmentNames.unlink(of: world)
    try Agreement(world: world).agree(onWords: words)
    try Agreement(world: world).agreeOnMachines()
    let watchdogLimit = try watchdogLimit(arguments)
    // Preparing the demonstration's pictures takes its time on one rank, while the others wait.
    let isDemonstration = !arguments.has("data") && !arguments.has("classes")
    var watchdog: Watchdog?
    if let watchdogLimit, !isDemonstration { watchdog = try Watchdog(world, limit: watchdogLimit) }
    firstMessages.stop()
    Activity.begin("options")
    for name in ["data", "out", "network", "init-from"] where arguments.string(name) == "" {
      throw Failure(.usage, "--\(name) was given an empty value; leave it out or name something.")
    }
    let safeguards = try safeguards(arguments, start: start)
    let cores = try Cores(world, threads: arguments.integer("threads", in: 1...1024))
    let isDryRun = arguments.has("dry-run")
    let pretended = try arguments.integer("classes", in: 2...1_000_000)
    guard pretended == nil || (isDryRun && !arguments.has("data")) else {
      throw Failure(
        .usage, "--classes goes with --dry-run and without --data; a dataset has its own classes.")
    }
    // What can be wrong without a dataset is found before one is prepared or read.
    guard !arguments.has("resume") || arguments.has("out") else {
      throw Failure(.usage, "--resume needs --out with the folder of the run that is to go on.")
    }
    let weights = try weightFile(arguments)
    let choice = try networkChoice(arguments, weights: weights)
    let (recipe, said) = try self.recipe(
      arguments, for: choice, isDemonstration: isDemonstration)
    let parallelChoice = try ParallelChoice(arguments)
    let placement = try Placement(
      towers: choice.network(classes: nil).towers, over: world,
      towersPerRank: ParallelChoice.towersPerRank(arguments))

    Activity.begin("opening the dataset")
    var dataset: Dataset?
    if !isDryRun || arguments.has("data") {
      dataset =
        isDemonstration
        ? try Demonstration.dataset(world, side: choice.network(classes: nil).imageSide)
        : try Dataset(opening: arguments.string("data") ?? "")
    }
    let network = try choice.network(
      classes: dataset?.classNames.count ?? pretended ?? Demonstration.classes)
    if let dataset { try check(dataset, fits: network) }
    let threadsPerTower = max(1, cores.threads / placement.owned.count)
    let settings = TrainingSettings(
      network: network, recipe: recipe, dataset: dataset?.path ?? "(none)",
      datasetChecksum: dataset?.checksum ?? "",
      fineTuning: try fineTuning(arguments, weights: weights, network),
      seed: UInt64(try arguments.integer("seed", in: 0...Int.max) ?? 1),
      maxSteps: try steps(arguments, isDemonstration: isDemonstration),
      validateEvery: try arguments.integer("validate-every", in: 1...Int.max),
      checkpointEvery: try arguments.integer("checkpoint-every", in: 1...Int.max) ?? 500,
      keptCheckpoints: try arguments.integer("keep", in: 1...1_000_000) ?? 2,
      skipsCorrupt: arguments.has("skip-corrupt"),
      algorithm: try arguments.choice("algorithm", of: ConvolutionChoice.self) ?? .automatic,
      threadsPerTower: try world.allReduce(Int64(threadsPerTower), .min).asInt,
      formats: parallelChoice.formats)
    let (parallelism, schemeChoice) = try parallelChoice.parallelism(
      network, placement, batchSize: recipe.batchSize)
    if isDryRun {
      for sentence in said { say(sentence + "\n") }
      say(DryRun(settings: settings, placement: placement, parallelism: parallelism).text)
      try watchdog?.finish()
      return .done
    }
    guard let dataset else { return .internal }
    if let watchdogLimit, watchdog == nil {
      watchdog = try Watchdog(world, limit: watchdogLimit)
    }
    try Agreement(world: world).agree(on: settings)
    try checkMemory(settings, placement, parallelism, cores)

    Activity.begin("trying the links", waitsForRanks: true)
    let link = try LinkCheck.quick(placement, within: Self.firstMessagesLimit)

    Activity.begin("opening the run")
    var opened = try open(arguments, settings)
    let (run, lock) = (opened.run, opened.lock)
    say("\(cores.summary)\n")
    if let link {
      say("Between \(placement.isDistributed ? "the towers of a replica" : "replicas"): \(link).\n")
    }
    say("The run's folder is \(run.path).\n")
    if let schemeChoice { say(schemeChoice + "\n") }
    for sentence in said { say(sentence + "\n") }
    for warning in [cores.idleWarning, cores.conflictWarning].compactMap(\.self) {
      say("Warning: \(warning)\n")
    }
    let trainer = try Trainer(
      settings: settings, safeguards: safeguards, dataset: dataset, placement: placement,
      parallelism: parallelism, world: world, run: run, lock: lock,
      resuming: opened.checkpoint, startingFrom: startingWeights(settings, dataset),
      threads: cores.threads,
      tensorBoard: arguments.has("tensorboard"))
    // A file that is held open keeps its room on the disk when newer ones have taken its place.
    opened.checkpoint = nil
    let result = withExtendedLifetime((trainer, lock)) {
      do {
        return try trainer.train()
      } catch {
        lock?.release()
        MPI.Environment.end("alexnet-train", error, world)
      }
    }
    try watchdog?.finish()
    if result.isUnfinished { return .savedUnfinished }
    let error = result.top1Error.map { String(format: "validation error %.2f %% (top-1)", $0) }
    say(
      "Done after \(result.steps) steps: \(error ?? "no validation images"). The run is in \(lock?.place ?? run.path).\n"
    )
    return .done
  }

  /// Seconds that the first messages may take: with the start of mpirun and its end that is less than a minute.
  private static let firstMessagesLimit = 50.0

  /// Only the first rank speaks.
  ///
  /// What it says is in the run's files too, so a full disk under standard output, or a terminal
  /// that has gone away, does not end a training.
  func say(_ text: String) {
    if world.rank == 0 { StandardStream.output.tell(escaped(text, but: "\n")) }
  }

  private func check(_ dataset: Dataset, fits network: NetworkSpecification) throws(Failure) {
    guard dataset.side == network.imageSide else {
      throw Failure(
        .usage,
        "The images of \(quoted(dataset.path)) are \(dataset.side) pixels wide and the network "
          + "\(quoted(network.name)) reads \(network.imageSide); prepare them with --size \(network.imageSide)."
      )
    }
    guard dataset.classNames.count == network.classes else {
      throw Failure(
        .usage,
        "\(quoted(dataset.path)) has \(dataset.classNames.count) classes and the network "
          + "\(quoted(network.name)) \(network.classes); give its last layer as many kernels.")
    }
    guard dataset.count(.train) > 0 else {
      throw Failure(.badData, "\(quoted(dataset.path)) has no training images; prepare it again.")
    }
  }

  /// A run that does not fit into memory would be killed without a word.
  private func checkMemory(
    _ settings: TrainingSettings, _ placement: Placement, _ parallelism: Parallelism, _ cores: Cores
  ) throws(Failure) {
    let estimate = MemoryEstimate(
      settings.network, placement, batchSize: settings.recipe.batchSize,
      scheme: parallelism.scheme, threadsPerTower: settings.threadsPerTower,
      algorithm: settings.algorithm)
    // Weights and velocities once more, for the checkpoint that is written while training goes on.
    let rank = estimate.total + 2 * estimate.parameters
    let needed = rank * cores.ranksOnHost
    let remedy =
      "take a smaller --batch-size than \(settings.recipe.batchSize), fewer --threads, or more hosts."
    if let available = Memory.available, needed > available {
      throw Failure(
        .usage,
        "The ranks of this host need \(needed >> 20) MiB and \(available >> 20) MiB are free; \(remedy)"
      )
    }
    let space = rank + Memory.librarySpace(threads: cores.threads)
    if let limit = Memory.processLimit, space > limit {
      throw Failure(
        .usage,
        "A rank needs \(space >> 20) MiB of memory and its limit (ulimit -v) leaves \(limit >> 20) MiB; raise it, or "
          + remedy)
    }
  }
}

extension Int64 {
  fileprivate var asInt: Int { Int(self) }
}
