import Data
import Layers
import MPI
import ModelParallel
import Networks
import Options
import Planning
import System
import Training

/// What is to be done: every setting, and what is learned from.
struct TrainingJob {
  let request: TrainRequest
  /// Nil in a dry run that names none.
  let dataset: Dataset?
  let settings: TrainingSettings
  let parallelism: Parallelism
  /// A sentence about how the ranks share the work, where there was a choice.
  let schemeChoice: String?
}

extension TrainCommand {
  /// Opens the dataset, and settles everything that depends on it; all ranks call it together.
  func job(_ request: TrainRequest) throws -> TrainingJob {
    Activity.begin("opening the dataset")
    let dataset = try openDataset(request)
    let network = try request.choice.network(
      classes: dataset?.classNames.count ?? request.classes ?? Demonstration.classes)
    if let dataset { try check(dataset, fits: network) }
    let settings = try settings(request, network, dataset)
    let (parallelism, said) = try request.parallel.parallelism(
      network, request.placement, batchSize: request.recipe.batchSize)
    return TrainingJob(
      request: request, dataset: dataset, settings: settings, parallelism: parallelism,
      schemeChoice: said)
  }

  private func openDataset(_ request: TrainRequest) throws -> Dataset? {
    guard !request.isDryRun || request.arguments.has("data") else { return nil }
    return request.isDemonstration
      ? try Demonstration.dataset(
        world, side: request.choice.network(classes: nil).imageSide)
      : try Dataset(opening: request.arguments.string("data") ?? "")
  }

  private func settings(
    _ request: TrainRequest, _ network: NetworkSpecification, _ dataset: Dataset?
  ) throws -> TrainingSettings {
    let arguments = request.arguments
    let threadsPerTower = max(1, request.cores.threads / request.placement.owned.count)
    return TrainingSettings(
      network: network, recipe: request.recipe, dataset: dataset?.path ?? "(none)",
      datasetChecksum: dataset?.checksum ?? "",
      fineTuning: try fineTuning(arguments, weights: request.weights, network),
      seed: UInt64(try arguments.integer("seed", in: 0...Int.max) ?? 1),
      maxSteps: try steps(arguments, isDemonstration: request.isDemonstration),
      validateEvery: try arguments.integer("validate-every", in: 1...Int.max),
      checkpointEvery: try arguments.integer("checkpoint-every", in: 1...Int.max) ?? 500,
      keptCheckpoints: try arguments.integer("keep", in: 1...1_000_000) ?? 2,
      skipsCorrupt: arguments.has("skip-corrupt"),
      algorithm: try arguments.choice("algorithm", of: ConvolutionChoice.self) ?? .automatic,
      threadsPerTower: Int(try world.allReduce(Int64(threadsPerTower), .min)),
      formats: request.parallel.formats)
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
  func checkMemory(_ job: TrainingJob) throws(Failure) {
    let (settings, cores) = (job.settings, job.request.cores)
    let estimate = MemoryEstimate(
      settings.network, job.request.placement, batchSize: settings.recipe.batchSize,
      scheme: job.parallelism.scheme, threadsPerTower: settings.threadsPerTower,
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
