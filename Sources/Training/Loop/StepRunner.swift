import Checkpoints
import Data
import Layers
import MPI
import ModelParallel
import Networks
import Supervision
import System
import Tensors
import Towers

/// The result of a step and how long it took.
struct StepOutcome {
  /// The score of the whole batch, the same on every rank.
  let score: ParallelSoftmax.Score
  /// The duration of the step in seconds.
  let seconds: Double
  /// The part of it spent sending, receiving and waiting for other ranks.
  let exchangeSeconds: Double
  /// The part of it spent waiting for images.
  let dataWaitSeconds: Double
  /// The index of this rank's first parameter that the update made infinite or NaN.
  let nonFinite: Int?

  /// The damaged records that were skipped for the batch.
  let skipped: (count: Int, first: Failure?)

  /// The batch's mean loss in nats.
  var loss: Double { score.lossSum / Double(score.images) }
}

/// Runs training steps: forward pass, loss, backward pass, update.
final class StepRunner {
  private let network: Network
  private let loader: BatchLoader
  private let rule: SGD
  private let team: ThreadTeam
  private let batchSize: Int
  private let parts: Int
  private let comparesRecords: Bool
  /// Faults of this rank that a test requested.
  private let faults: (_ step: Int) -> [Fault]

  /// - Parameters:
  ///   - network: The network to train.
  ///   - loader: The batches' parts, starting with the next step's first.
  ///   - rule: The update rule.
  ///   - team: The threads for the update.
  ///   - batchSize: The number of images in a whole batch.
  ///   - parts: The parts in which it passes.
  ///   - comparesRecords: Whether ranks may skip different damaged records, so that they must
  ///     compare what they read.
  ///   - faults: The faults of this rank that a test requested in a step.
  init(
    _ network: Network, loader: BatchLoader, rule: SGD, team: ThreadTeam, batchSize: Int,
    parts: Int, comparesRecords: Bool, faults: @escaping (_ step: Int) -> [Fault]
  ) {
    self.network = network
    self.loader = loader
    self.rule = rule
    self.team = team
    self.batchSize = batchSize
    self.parts = parts
    self.comparesRecords = comparesRecords
    self.faults = faults
  }

  /// Makes what runs the steps of a run that follow a state.
  /// - Parameters:
  ///   - network: What learns.
  ///   - settings: Every setting.
  ///   - state: Where the run is.
  ///   - dataset: The images.
  ///   - preprocessing: How they are read.
  ///   - team: The threads that share the update.
  ///   - faults: The faults of this rank that a test asked for in a step.
  /// - Throws: `Failure` where the images cannot be read, `MPIError` where a message fails.
  convenience init(
    _ network: Network, _ settings: TrainingSettings, from state: TrainingState,
    _ dataset: Dataset, _ preprocessing: Preprocessing, team: ThreadTeam,
    faults: @escaping (_ step: Int) -> [Fault]
  ) throws {
    let recipe = settings.recipe
    let positions = network.placement.images(of: recipe.partSize)
    self.init(
      network,
      loader: try BatchLoader(
        dataset: dataset, split: .train,
        order: recipe.balance == .sampling ? .balanced : .shuffled,
        augmentation: recipe.augmentation,
        inputSide: settings.network.inputSide, batchSize: recipe.partSize, positions: positions,
        firstStep: state.step * recipe.parts, seed: settings.seed, threads: team.count,
        damagedRecords: settings.damagedRecords, mean: preprocessing.mean,
        finish: preprocessing.adapt,
        group: try SharedLoading.group(
          network.placement.group, images: positions.count,
          inputSide: settings.network.inputSide)),
      rule: SGD(
        recipe, factors: settings.fineTuning?.factors(in: settings.network) ?? [:],
        schedules: recipe.layerRates(in: settings.network)),
      team: team, batchSize: recipe.batchSize, parts: recipe.parts,
      comparesRecords: settings.damagedRecords == .skip, faults: faults)
  }

  /// Runs a step.
  /// - Parameters:
  ///   - step: The number of steps done before.
  ///   - learningRate: The weights' learning rate.
  ///   - rateFactor: What warm-up and rollbacks leave of rates that do not follow the schedule.
  ///   - epoch: The epoch that the step begins in, counted from 1.
  /// - Returns: The result; if its loss is not finite, nothing was changed.
  /// - Throws: `Failure` if an image cannot be read, `MPIError` if a message fails.
  func run(
    step: Int, learningRate: Double, rateFactor: Double, epoch: Int
  ) throws -> StepOutcome {
    let start = MonotonicClock.seconds
    let (waited, exchanged) = (loader.secondsWaited, exchangeSeconds)
    let faults = faults(step)
    var score = ParallelSoftmax.Score()
    var skipped: (count: Int, first: Failure?) = (0, nil)
    for part in 0..<parts where score.lossSum.isFinite {
      // The ranks of a host may share the loading.
      Activity.begin(
        "reading images", step: step, waitsForRanks: network.placement.isDistributed)
      let batch = try loader.next()
      if faults.contains(where: { $0.action == .error }) { throw Failure(.internal, "injected") }
      if comparesRecords { try compare(batch) }
      skipped = (skipped.count + batch.skipped.count, skipped.first ?? batch.skipped.first)
      score += try run(batch, step: step, part: part)
    }
    var nonFinite: Int?
    if score.lossSum.isFinite {
      if faults.contains(where: { $0.action == .spoil }) {
        network.parameters.last?.gradient.pointer[0] = .nan
      }
      Activity.begin("update")
      nonFinite = rule.update(
        network.parameters, learningRate: learningRate, epoch: epoch, rateFactor: rateFactor,
        norms: rule.needsNorms ? try network.norms(team) : nil, team: team)
      if faults.contains(where: { $0.action == .turn }),
        let weights = network.parameters.first?.value
      {
        weights.pointer[0] = Float(bitPattern: weights.pointer[0].bitPattern ^ 1)
      }
    }
    return StepOutcome(
      score: score, seconds: MonotonicClock.seconds - start,
      exchangeSeconds: exchangeSeconds - exchanged,
      dataWaitSeconds: loader.secondsWaited - waited, nonFinite: nonFinite, skipped: skipped)
  }

  /// Takes a part of a batch forward and, where its loss is finite, back.
  ///
  /// Images are counted in the whole batch, so that dropout is the same in any number of parts.
  private func run(_ batch: Batch, step: Int, part: Int) throws -> ParallelSoftmax.Score {
    let size = batchSize / parts
    let pass = Pass(
      images: batch.count, isTraining: true, step: step,
      firstImage: part * size + network.placement.images(of: size).lowerBound,
      batch: batchSize, part: part, parts: parts)
    Activity.begin("forward")
    try network.forward(batch.input, pass)
    let score = try network.score(batch.labels, pass)
    guard score.lossSum.isFinite else { return score }
    Activity.begin("backward")
    network.differentiateLoss(pass)
    try network.backward(batch.input, pass)
    return score
  }

  /// Towers with different images would train without any error, but badly.
  private func compare(_ batch: Batch) throws {
    let (group, own) = (network.placement.group, Int64(bitPattern: batch.fingerprint))
    guard try group.allReduce(own, .min) != group.allReduce(own, .max) else { return }
    throw Failure(
      .ranksDisagree,
      "A record is damaged in one rank's copy of the dataset but not in another's, so "
        + "--skip-corrupt would show the towers different images; copy the dataset again to the "
        + "host where it is damaged."
    )
  }

  private var exchangeSeconds: Double {
    network.traffic.reduce(0) { $0 + $1.seconds }
  }
}
