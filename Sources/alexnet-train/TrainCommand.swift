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
  let arguments: Arguments
  /// Settings that hold where no option gives others.
  let record: RecordedSettings
  /// What was said before the run's log was open, which then repeats it.
  let said = SaidLines()

  /// Parses the command line and runs it; all ranks call this together.
  static func run(_ words: [String], over world: Communicator) throws -> ExitCode {
    let start = MonotonicClock.seconds
    let environment = ProcessInfo.processInfo.environment
    let arguments = try TrainOptions.command.parse(words, environment: environment)
    let firstMessages = Watchdog(firstMessagesOf: world, limit: firstMessagesLimit)
    // First of all, since a job may be killed at any moment.
    try SegmentNames.unlink(of: world)
    try LinkCheck.verifyQuickly(world, within: firstMessagesLimit - 2)
    let agreement = Agreement(world: world)
    try agreement.agree(onWords: words, TrainOptions.command.variables(in: environment))
    try agreement.agreeOnMachines()
    let record = try RecordedSettings(arguments, world)
    return try TrainCommand(world: world, arguments: arguments, record: record)
      .run(words, start: start, firstMessages)
  }

  private func run(
    _ words: [String], start: Double, _ firstMessages: Watchdog
  ) throws -> ExitCode {
    // Preparing the demonstration's pictures takes time on one rank, while the others wait.
    // So does copying a dataset.
    let waitsLong = isDemonstration || arguments.has(TrainOptions.stageData)
    var watchdog = try waitsLong ? nil : startWatchdog()
    firstMessages.stop()

    Activity.begin("options")
    try arguments[TrainOptions.instructionSet].take(over: world)
    let plan = try TrainPlan(self, start: start)
    Activity.begin("opening the dataset")
    let place = try stageDataset()
    if place.isStopped {
      say("Stopped before the first step; there is nothing to save.\n")
      return .savedUnfinished
    }
    let dataset = try openDataset(plan, at: place.path)
    let settings = try settings(plan, dataset)
    let (parallelism, schemeChoice) = try plan.parallelChoice.parallelism(
      settings.network, plan.placement, batchSize: settings.recipe.partSize)
    guard let dataset, !arguments[TrainOptions.dryRun] else {
      for sentence in plan.said { say(sentence + "\n") }
      for warning in record.warnings(settings, arguments) { say("Warning: \(warning)\n") }
      try checkStartingWeights(settings, dataset)
      try checkFolder(settings)
      try show(
        DryRun(
          settings: settings, placement: plan.placement, parallelism: parallelism,
          isVerbose: arguments[TrainOptions.verbose]
        ).text)
      try watchdog?.finish()
      return .done
    }
    watchdog = try watchdog ?? startWatchdog()
    try Agreement(world: world).agree(on: settings)
    try checkMemory(settings, plan.placement, parallelism, plan.cores)
    Activity.begin("measuring a link", waitsForRanks: true)
    let link = try LinkCheck.quick(plan.placement)

    if arguments[TrainOptions.findRate] {
      let code = try findRate(plan, settings, dataset, parallelism)
      try watchdog?.finish()
      return code
    }
    Activity.begin("opening the run")
    let provenance = try Provenance(world, commandLine: ["alexnet-train"] + words)
    let opened = try open(settings, provenance)
    greet(plan, opened.run, link, schemeChoice)
    for warning in record.warnings(settings, arguments) { say("Warning: \(warning)\n") }
    let result = try train(plan, settings, dataset, parallelism, opened, provenance)
    try watchdog?.finish()
    return end(result, in: opened.lock?.place ?? opened.run.path)
  }

  /// Whether to train on Fashion-MNIST, which is the default without other data.
  var isDemonstration: Bool {
    !arguments.has(TrainOptions.data) && !arguments.has(TrainOptions.classes)
      && record.settings == nil
  }

  /// The dataset that options, or the record, name; nil for the demonstration's.
  var dataPath: String? { arguments[TrainOptions.data] ?? record.settings?.dataset }

  private func startWatchdog() throws(MPIError) -> Watchdog? {
    guard let limit = arguments[TrainOptions.watchdog].seconds else { return nil }
    return try Watchdog(world, limit: limit)
  }

  /// The dataset to train on; nil for a dry run without one.
  private func openDataset(_ plan: TrainPlan, at path: String?) throws -> Dataset? {
    guard !arguments.has(TrainOptions.classes) else { return nil }
    guard let path else {
      if arguments[TrainOptions.dryRun] { return nil }
      return try Demonstration.dataset(
        world, side: plan.choice.network(classes: nil).imageSide)
    }
    return try Dataset(opening: path)
  }

  private func settings(_ plan: TrainPlan, _ dataset: Dataset?) throws -> TrainingSettings {
    let network = try plan.choice.network(
      classes: dataset?.classNames.count ?? arguments[TrainOptions.classes]
        ?? Demonstration.classes)
    if let dataset { try check(dataset, fits: network) }
    var settings = plan.settings
    settings.network = network
    if let dataset {
      // That of which a copy may be read.
      settings.dataset = try fromAnyFolder(dataPath ?? dataset.path)
      settings.datasetChecksum = dataset.checksum
    }
    settings.fineTuning = try fineTuning(
      weights: record.hasCheckpoint ? plan.weights : plan.weights.map(fromAnyFolder), network)
    let threads = max(1, plan.cores.threads / plan.placement.owned.count)
    settings.threadsPerTower = Int(try world.allReduce(Int64(threads), .min))
    return settings
  }

  /// A path by which tools find the dataset, whatever folder they are in: as the first rank sees it.
  private func fromAnyFolder(_ path: String) throws(MPIError) -> String {
    let folder = FileManager.default.currentDirectoryPath
    return try world.broadcast(path.hasPrefix("/") ? path : "\(folder)/\(path)", from: 0)
  }

  /// Prints the first lines of the run.
  private func greet(
    _ plan: TrainPlan, _ run: RunDirectory, _ link: LinkCheck.Link?, _ schemeChoice: String?
  ) {
    say("\(plan.cores.summary)\n")
    if let link {
      let ends = plan.placement.isDistributed ? "the towers of a replica" : "replicas"
      say("Link between \(ends): \(link).\n")
    }
    say("The run's folder is \(run.path).\n")
    if let schemeChoice { say(schemeChoice + "\n") }
    for sentence in plan.cores.notes + plan.said { say(sentence + "\n") }
    let wrapperWarning = Launcher.wrapper.map {
      "mpirun started \(quoted($0)), which started this program: a signal such as SIGUSR1 ends it, "
        + "and with it the job, before the run is saved. If it is a script, write 'exec' before the "
        + "program there."
    }
    for warning in [
      plan.cores.kindWarning, plan.cores.idleWarning, plan.cores.conflictWarning, wrapperWarning,
    ].compactMap(\.self) {
      say("Warning: \(warning)\n")
    }
  }

  /// Trains to the end, or until the run is asked to stop.
  private func train(
    _ plan: TrainPlan, _ settings: TrainingSettings, _ dataset: Dataset,
    _ parallelism: Parallelism, _ opened: OpenedRun, _ provenance: Provenance
  ) throws -> TrainingResult {
    let trainer = try Trainer(
      settings: settings, safeguards: plan.safeguards, dataset: dataset,
      placement: plan.placement, parallelism: parallelism, world: world, run: opened.run,
      folder: opened.folder, lock: opened.lock, resuming: opened.takeCheckpoint(),
      startingFrom: startingWeights(settings, dataset), threads: plan.cores.threads,
      provenance: provenance, said: said.lines, timeline: plan.timeline)
    return withExtendedLifetime((trainer, opened)) {
      do {
        return try trainer.train()
      } catch {
        opened.lock?.release()
        MPI.Environment.end("alexnet-train", error, world)
      }
    }
  }

  private func end(_ result: TrainingResult, in place: String) -> ExitCode {
    if result.isUnfinished {
      if world.size > 1 {
        say(
          "What mpirun says next of a non-zero exit code and an aborted job is harmless: code "
            + "\(ExitCode.savedUnfinished.rawValue) tells whoever started it to continue.\n")
      }
      return .savedUnfinished
    }
    var error = result.top1Error.map { String(format: "validation error %.2f %% (top-1)", $0) }
    if let best = result.best {
      // Tools take the newest unless they are told otherwise.
      error? +=
        best.step == result.steps
        ? ", the best so far"
        : best.top1Error == result.top1Error
          ? "; the best, which is as low, was after step \(best.step): other tools take it with --best"
          : String(format: "; the best, %.2f %%, was after step ", best.top1Error)
            + "\(best.step): other tools take it with --best"
    }
    let steps = counted(result.steps, "step", "steps")
    say(
      "Done after \(steps): \(error ?? "no validation images"). \(result.reason) "
        + "The run is in \(place).\n"
    )
    return .done
  }

  /// The limit in seconds for the first messages; together with the start and end of mpirun this is
  /// less than a minute.
  private static let firstMessagesLimit = 50.0

  /// Prints a line, in the first rank only.
  ///
  /// The run's files have the same messages, so a full disk under standard output, or a closed
  /// terminal, does not end the training.
  func say(_ text: String) {
    if world.rank == 0 { StandardStream.output.tell(escaped(text, but: "\n")) }
    said.lines += text.split(separator: "\n").map(String.init)
  }

  /// Prints a result that no file holds, in the first rank only.
  /// - Throws: `Failure` (inputOutput) if standard output takes no more.
  func show(_ result: String) throws(Failure) {
    if world.rank == 0 { try StandardStream.output.show(result) }
  }

  private func check(_ dataset: Dataset, fits network: NetworkSpecification) throws(Failure) {
    guard dataset.side == network.imageSide else {
      throw Failure(
        .usage,
        "The images of \(quoted(dataset.path)) are \(dataset.side) pixels wide and the network "
          + "\(quoted(network.name)) reads \(network.imageSide); prepare them with --size "
          + "\(network.imageSide)"
          + (dataset.side >= network.inputSide && !arguments.has(TrainOptions.resume)
            && !arguments.has(TrainOptions.initFrom) && !arguments.has(TrainOptions.config)
            ? ", or give --image-side \(dataset.side)." : ".")
      )
    }
    guard dataset.classNames.count == network.classes else {
      throw Failure(
        .usage,
        "\(quoted(dataset.path)) has \(counted(dataset.classNames.count, "class", "classes")), "
          + "but the network "
          + "\(quoted(network.name)) has \(network.classes); give its last layer as many kernels.")
    }
    guard dataset.count(.train) > 0 else {
      throw Failure(.badData, "\(quoted(dataset.path)) has no training images; prepare it again.")
    }
  }

  /// Refuses a run that needs too much memory, which the system would kill without a message.
  private func checkMemory(
    _ settings: TrainingSettings, _ placement: Placement, _ parallelism: Parallelism, _ cores: Cores
  ) throws(Failure) {
    let rank = settings.memory(placement, parallelism).whileSaving
    let needed = rank * cores.ranksOnHost
    let remedy =
      "take a smaller --batch-size than \(settings.recipe.batchSize), --accumulate "
      + "\(2 * settings.recipe.parts), fewer --threads, or more hosts."
    if let available = Memory.available, needed > available {
      throw Failure(
        .usage,
        "The ranks of this host need \(needed >> 20) MiB and \(available >> 20) MiB are free; "
          + "\(remedy)"
      )
    }
    let space = rank + Memory.librarySpace(threads: cores.threads)
    if let limit = Memory.processLimit, space > limit {
      throw Failure(
        .usage,
        "A rank needs \(space >> 20) MiB of memory and its limit (ulimit -v) leaves \(limit >> 20) "
          + "MiB; raise it, or "
          + remedy)
    }
  }
}

extension TrainingSettings {
  /// The memory that a rank needs to train with these settings.
  func memory(_ placement: Placement, _ parallelism: Parallelism) -> MemoryEstimate {
    MemoryEstimate(
      network, placement, batchSize: recipe.batchSize, parts: recipe.parts,
      scheme: parallelism.scheme, threadsPerTower: threadsPerTower, algorithm: algorithm,
      precision: layerPrecision)
  }
}

/// Lines that a program has said so far.
final class SaidLines {
  var lines: [String] = []
}
