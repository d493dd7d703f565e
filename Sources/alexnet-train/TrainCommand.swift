import Data
import Foundation
import MPI
import ModelParallel
import Options
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
    var watchdog = try meet(words, arguments)
    let job = try job(request(arguments, start: start))
    guard let dataset = job.dataset, !job.request.isDryRun else {
      show(job)
      try watchdog?.finish()
      return .done
    }
    if watchdog == nil { watchdog = try watch(arguments) }
    try Agreement(world: world).agree(on: job.settings)
    try checkMemory(job)
    Activity.begin("trying the links", waitsForRanks: true)
    let link = try LinkCheck.quick(job.request.placement, within: Self.firstMessagesLimit)
    Activity.begin("opening the run")
    var opened = try open(arguments, job.settings)
    introduce(job, opened.run, link)
    let result = try train(job, dataset, &opened)
    try watchdog?.finish()
    return conclude(result, opened)
  }

  // MARK: The stages

  /// Makes sure that all ranks are there and of one mind.
  /// - Returns: What watches over them from now on; nil where nothing shall, or not yet.
  private func meet(_ words: some Sequence<String>, _ arguments: Arguments) throws -> Watchdog? {
    let firstMessages = Watchdog(firstMessagesOf: world, limit: Self.firstMessagesLimit)
    // First of all, since a job may be killed at any moment.
    try SegmentNames.unlink(of: world)
    try Agreement(world: world).agree(onWords: words)
    try Agreement(world: world).agreeOnMachines()
    defer { firstMessages.stop() }
    // Preparing the demonstration's pictures takes its time on one rank, while the others wait.
    guard !Demonstration.isAskedFor(by: arguments) else {
      _ = try watchdogLimit(arguments)
      return nil
    }
    return try watch(arguments)
  }

  private func watch(_ arguments: Arguments) throws -> Watchdog? {
    try watchdogLimit(arguments).map { try Watchdog(world, limit: $0) }
  }

  /// Shows what a run would be.
  private func show(_ job: TrainingJob) {
    for sentence in job.request.said { say(sentence + "\n") }
    say(
      DryRun(
        settings: job.settings, placement: job.request.placement, parallelism: job.parallelism
      ).text)
  }

  /// Says what the run is made of.
  private func introduce(_ job: TrainingJob, _ run: RunDirectory, _ link: LinkCheck.Link?) {
    let (cores, placement) = (job.request.cores, job.request.placement)
    say("\(cores.summary)\n")
    if let link {
      say("Between \(placement.isDistributed ? "the towers of a replica" : "replicas"): \(link).\n")
    }
    say("The run's folder is \(run.path).\n")
    if let choice = job.schemeChoice { say(choice + "\n") }
    for sentence in job.request.said { say(sentence + "\n") }
    for warning in [cores.idleWarning, cores.conflictWarning].compactMap(\.self) {
      say("Warning: \(warning)\n")
    }
  }

  private func train(
    _ job: TrainingJob, _ dataset: Dataset, _ opened: inout OpenedRun
  ) throws -> TrainingResult {
    let (request, lock) = (job.request, opened.lock)
    let trainer = try Trainer(
      settings: job.settings, safeguards: request.safeguards, dataset: dataset,
      placement: request.placement, parallelism: job.parallelism, world: world, run: opened.run,
      lock: lock, resuming: opened.checkpoint,
      startingFrom: startingWeights(job.settings, dataset), threads: request.cores.threads,
      tensorBoard: request.arguments.has("tensorboard"))
    // A file that is held open keeps its room on the disk when newer ones have taken its place.
    opened.checkpoint = nil
    return withExtendedLifetime((trainer, lock)) {
      do {
        return try trainer.train()
      } catch {
        lock?.release()
        MPI.Environment.end("alexnet-train", error, world)
      }
    }
  }

  /// Says what the run has come to.
  private func conclude(_ result: TrainingResult, _ opened: OpenedRun) -> ExitCode {
    if result.isUnfinished { return .savedUnfinished }
    let error = result.top1Error.map { String(format: "validation error %.2f %% (top-1)", $0) }
    let place = opened.lock?.place ?? opened.run.path
    say(
      "Done after \(result.steps) steps: \(error ?? "no validation images"). The run is in \(place).\n"
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
}
