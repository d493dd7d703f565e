import Data
import Foundation
import Layers
import MPI
import ModelParallel
import Networks
import Options
import Planning
import System
import Tensors
import Towers
import Training

/// `alexnet bench`: the speed of whole training steps, where their time goes, and how it compares
/// with the limit of direct convolution.
enum Bench: Subcommand {
  static let name = "bench"
  static let summary = "measure training steps layer by layer (also under mpirun -np 2)"

  private static let classes = Option(
    "classes", "N", .integer(in: SettingBounds.classes), default: "1000, or the dataset's",
    "Classes.")
  private static let data = Option(
    "data", "DATASET", .path, default: "random pixels", "A prepared dataset to read batches from.")
  private static let steps = Setting(
    "steps", "N", .integer(in: 1...10_000), default: 5,
    "Steps to time, after one warm-up step."
  )
  private static let layer = Option("layer", "NAME", .text, default: "all", "Show one layer only.")
  private static let precision = Setting(
    "precision", "FORMAT", .word, default: Precision.fp32,
    "Fully-connected layers: fp32, or bf16, in training where the processor has AVX512_BF16.")
  private static let algorithm = Setting(
    "algorithm", "NAME", .word, default: ConvolutionChoice.automatic, "automatic or patches.")
  private static let parallelFC = Setting(
    "parallel-fc", "NAME", .parallelFC, default: .data,
    "With several replicas, how the fully-connected layers are computed: "
      + FullyConnectedScheme.words + ".")
  private static let progress = Option<MessageProgress.Mode>(
    "progress", "NAME", .word, default: "calls; thread where the ranks are on several hosts",
    "How messages make progress while a rank computes: none, calls (between layers) or thread.")
  private static let accuracy = Flag(
    "accuracy", "Measure each convolution's error against double precision instead of times.")
  private static let json = Flag("json", "Write one JSON object instead of the tables.")

  static let command = Command(
    "alexnet bench",
    overview: """
      Times whole training steps (exchange and update included) and forward passes of a network, and
      compares them with the direct roofline: the images/s that direct convolution would reach if
      its multiplications ran as fast as OpenBLAS's matrix products, which are measured first, on
      all cores in use.
      """,
    synopsis: "[options]      (usually: mpirun -np 2 alexnet bench [options])",
    groups: [
      (
        "What",
        [SharedOptions.network, classes, data, SharedOptions.batchSize, steps, layer]
      ),
      (
        "How",
        [
          SharedOptions.boundThreads, algorithm, SharedOptions.towersPerRank, parallelFC,
          SharedOptions.sendActivations, SharedOptions.sendGradients, progress,
          precision, accuracy, json,
          SharedOptions.watchdog,
        ]
      ),
    ])

  static func run(_ words: [String]) throws(Failure) {
    // Within MPI, so that an error that all ranks have is reported once.
    OverRanks.start("alexnet bench") { world in
      let arguments = try command.parse(words)
      let network = try network(arguments)
      if arguments[accuracy] {
        if world.rank == 0 { try StandardStream.output.show(BenchAccuracy(network).text) }
        return
      }
      try OverRanks.watched("alexnet bench", arguments, world) {
        let report = try measure(network, world, arguments)
        if world.rank == 0 {
          try StandardStream.output.show(arguments[json] ? report.json : report.text)
        }
      }
    }
  }

  private static func network(_ arguments: Arguments) throws(Failure) -> NetworkSpecification {
    let dataset = try arguments[data].map { path throws(Failure) in
      try Dataset(opening: path).classNames.count
    }
    let network = try NetworkSpecification.named(
      arguments[SharedOptions.network], recipe: .paper)(
        dataset ?? arguments[classes] ?? 1000)
    try network.validate()
    return network
  }

  private static func measure(
    _ network: NetworkSpecification, _ world: Communicator, _ arguments: Arguments
  ) throws -> BenchReport {
    if let layer = arguments[Self.layer] { _ = try network.place(ofLayer: layer) }
    let placement = try Placement(
      towers: network.towers, over: world,
      towersPerRank: arguments[SharedOptions.towersPerRank])
    let threads = try Cores(world, threads: arguments[SharedOptions.boundThreads]).threads
    let batchSize = arguments[SharedOptions.batchSize]
    let steps = arguments[Self.steps]
    let team = ThreadTeam(count: threads)
    let limits = try MachineLimits(world, team)

    let scheme =
      arguments[parallelFC]
      ?? .best(
        network, ranksPerReplica: placement.group.size, replicas: placement.replicas,
        batchSize: batchSize, formats: arguments.formats)
    let dataset = try arguments[data].map { path throws(Failure) in
      try Dataset(opening: path)
    }
    let batches = try Batches(
      network, dataset, batchSize: batchSize, own: placement.images(of: batchSize),
      threads: threads, ranks: placement.group)
    let trainingPrecision = arguments[precision].canBeTrained ? arguments[precision] : .fp32
    func run(isTrained: Bool) throws -> (network: Network, run: BenchRun) {
      let built = try Network(
        network, placement: placement,
        options: NetworkOptions(
          batchSize: batchSize, threadsPerTower: max(1, threads / placement.owned.count), seed: 1,
          isTrained: isTrained, algorithm: arguments[algorithm],
          precision: isTrained ? trainingPrecision : .fp32, scheme: scheme,
          formats: arguments.formats, progress: arguments[progress]))
      return (
        built,
        BenchRun(built, batches: batches, batchSize: batchSize, team: team, world: world)
      )
    }
    let training = try run(isTrained: true).run.train(steps: steps)
    // As pictures are classified: by a network that does not learn, whose kernels stay transformed.
    let (fixed, passes) = try run(isTrained: false)
    if arguments[precision] == .bf16 { fixed.keepNarrowWeights() }
    return BenchReport(
      network: network, layer: arguments[layer], batchSize: batchSize, ranks: world.size,
      threads: threads, precisions: (trainingPrecision, arguments[precision]), limits: limits,
      training: training,
      forward: try passes.infer(passes: steps))
  }
}

/// The source of the bench's batches.
final class Batches {
  private let loader: BatchLoader?
  private let random: (input: Tensor, labels: [Int32])

  init(
    _ network: NetworkSpecification, _ dataset: Dataset?, batchSize: Int, own: Range<Int>,
    threads: Int, ranks: Communicator
  ) throws {
    loader = try dataset.map { dataset in
      try BatchLoader(
        dataset: dataset, split: .train, order: .shuffled, augmentation: .paper,
        inputSide: network.inputSide, batchSize: batchSize, positions: own, seed: 1,
        threads: threads,
        group: try SharedLoading.group(ranks, images: own.count, inputSide: network.inputSide))
    }
    let input = Tensor(loader == nil ? own.count : 0, network.inputSide, network.inputSide, 3)
    let random = Philox(seed: 1, purpose: 0)
    for i in 0..<input.count {
      input.pointer[i] = random.block(0, UInt64(i)).x.unitFloat * 255 - 128
    }
    self.random = (input, own.map { Int32($0 % network.classes) })
  }

  /// Seconds that steps waited for images.
  var secondsWaited: Double { loader?.secondsWaited ?? 0 }
  /// Core seconds that this rank spent on images.
  var secondsWorked: Double { loader?.secondsWorked ?? 0 }

  func next() throws(Failure) -> (input: Tensor, labels: [Int32]) {
    guard let loader else { return random }
    let batch = try loader.next()
    return (batch.input, batch.labels)
  }
}
