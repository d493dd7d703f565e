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

/// `alexnet scale`: predicts the time of a training step on a cluster from this machine.
enum Scale: Subcommand {
  static let name = "scale"
  static let summary = "predict step times on a cluster from measurements on this machine"

  private static let hosts = Setting(
    "hosts", "N", .integer(in: 1...65_536), default: 32, "The most hosts.")
  private static let ranksPerHost = Setting(
    "ranks-per-host", "N", .integer(in: 1...1024), default: 2,
    "Ranks of a host, which share its link.")
  private static let ranksPerCore = Setting(
    "ranks-per-core", "X", .number(in: 1...1024), default: 1,
    "How many ranks share the cores on which one rank was measured.")
  private static let threadsPerRank = Option(
    "threads-per-rank", "N", .integer(in: 1...1024), default: "as measured",
    "Cores of a rank.")
  private static let serialShare = Setting(
    "serial-share", "X", .number(in: 0...1), default: 0.07,
    "Fraction of a rank's arithmetic that one core does while its others wait.")
  private static let coreSpeed = Option(
    "core-speed", "GFLOP/S", .number(in: 1e-3...1e6), default: "as measured",
    "Speed of a core's matrix products.")
  private static let memoryBandwidth = Option(
    "memory-bandwidth", "GB/S", .number(in: 1e-3...1e6), default: "as measured, for every core",
    "Bandwidth of a host's memory, which its ranks share.")
  private static let link = Setting(
    "link", "NAME", LinkKind.reading, default: .standard,
    "The network between the hosts: \(LinkKind.all.map(\.name).joined(separator: ", ")).")
  private static let bandwidth = Option(
    "bandwidth", "GBIT/S", .number(in: 1e-3...1e5), default: "the link's",
    "Bandwidth of the link each way.")
  private static let latency = Option(
    "latency", "US", .number(in: 0...1e6), default: "the link's",
    "Time of the shortest message.")
  private static let coreCost = Option(
    "core-cost", "NS", .number(in: 0...1e3), default: "0.35; 100G: 0.05",
    "Core time per byte at each end of the link, in nanoseconds.")
  private static let network = Option(
    "network", "NAME|FILE", .path, default: "alexnet, or the benches'",
    "A preset or a JSON description.")
  private static let batchSize = Setting(
    "batch-size", "N", .integer(in: 1...1_048_576), default: 1024, unit: "images",
    "Images in a batch, over all ranks.")
  private static let bench = ListOption(
    "bench", "FILE", .path,
    "Output of 'mpirun -np 2 alexnet bench --json', instead of a measurement; two files of "
      + "different --batch-size are best.")
  private static let steps = Setting(
    "steps", "N", .integer(in: 1...1000), default: 3, "Steps to measure for each of two batches.")
  private static let json = Flag("json", "Write one JSON object instead of the table.")
  private static let chart = Option(
    "chart", "FILE.svg", .picture("svg"), default: "none",
    "Draw the efficiency over the ranks, with published figures (needs gnuplot).")

  static let command = Command(
    "alexnet scale",
    overview: """
      Measures one replica on this machine with two batch sizes, to separate the time per image from
      the fixed time per step, or reads files of 'alexnet bench --json'. Then predicts step times on
      2, 4, 8, ... ranks of one tower, and on all that were asked for, on hosts joined by a link,
      for each way to compute the fully-connected layers.
      """,
    synopsis:
      "[options]      (mpirun -np 2 alexnet scale [options], or without mpirun with --bench)",
    groups: [
      (
        "The cluster",
        [
          hosts, ranksPerHost, threadsPerRank, ranksPerCore, serialShare, coreSpeed,
          memoryBandwidth, link, bandwidth, latency, coreCost,
        ]
      ),
      (
        "The training",
        [network, batchSize, SharedOptions.sendActivations, SharedOptions.sendGradients]
      ),
      ("The measurement", [bench, steps, SharedOptions.watchdog, json, chart]),
    ])

  static func run(_ words: [String]) throws(Failure) {
    let arguments = try command.parse(words)
    try arguments.checkOutputs([chart])
    if arguments.has(bench) {
      guard !arguments.has(network) else {
        throw Failure(
          .usage, "--network cannot be given with --bench: the bench files name their network.")
      }
      let (network, profile) = try RankProfile.read(benches: arguments[bench])
      return try StandardStream.output.write(report(arguments, network, profile))
    }
    OverRanks.start("alexnet scale") { world in
      try OverRanks.watched("alexnet scale", arguments, world) {
        let network = try network(arguments)
        let profile = try measure(network, world, arguments)
        if world.rank == 0 { try StandardStream.output.write(report(arguments, network, profile)) }
      }
    }
  }

  private static func network(_ arguments: Arguments) throws(Failure) -> NetworkSpecification {
    try NetworkSpecification.named(
      arguments[network] ?? NetworkSpecification.presetNames[0], recipe: .paper)(1000)
  }

  private static func report(
    _ arguments: Arguments, _ network: NetworkSpecification, _ profile: RankProfile
  ) throws(Failure) -> String {
    let ranks = arguments[ranksPerHost] * arguments[hosts]
    guard ranks % network.towers == 0 else {
      throw Failure(
        .usage,
        "--hosts \(arguments[hosts]) with --ranks-per-host \(arguments[ranksPerHost]) are "
          + "\(ranks) ranks, not a multiple of the network's \(network.towers) towers; choose "
          + "other numbers.")
    }
    guard !arguments.has(coreSpeed) || profile.coreRate != nil,
      !arguments.has(memoryBandwidth) || profile.memoryBandwidth != nil
    else {
      throw Failure(
        .usage,
        "--core-speed and --memory-bandwidth need benches that say what was measured on; make "
          + "the files again with this version.")
    }
    let report = ScaleReport(
      model: ScalingModel(network, profile), linkName: arguments[link].name,
      cluster: cluster(arguments, ranks: ranks), batchSize: arguments[batchSize],
      formats: arguments.formats)
    if let path = arguments[chart] {
      try TextFile.write(lines: try ScaleChart(report: report).svg(), to: path)
    }
    return arguments[json] ? report.json : report.text
  }

  private static func cluster(_ arguments: Arguments, ranks: Int) -> ClusterShape {
    let kind = arguments[link]
    let bandwidth = arguments[Self.bandwidth].map { $0 * 1e9 / 8 }
    let latency = arguments[Self.latency].map { $0 * 1e-6 }
    var cluster = ClusterShape(
      ranks: ranks, ranksPerHost: arguments[ranksPerHost], ranksPerCore: arguments[ranksPerCore],
      link: LinkCheck.Link(
        latency: latency ?? kind.link.latency, bandwidth: bandwidth ?? kind.link.bandwidth),
      secondsPerByte: arguments[coreCost].map { $0 * 1e-9 } ?? kind.secondsPerByte)
    cluster.threads = arguments[threadsPerRank]
    cluster.serialShare = arguments[serialShare]
    cluster.coreRate = arguments[coreSpeed].map { $0 * 1e9 / 2 }
    cluster.memoryBandwidth = arguments[memoryBandwidth].map { $0 * 1e9 }
    return cluster
  }

  /// Measures a replica with two batch sizes; all ranks call this together.
  private static func measure(
    _ network: NetworkSpecification, _ world: Communicator, _ arguments: Arguments
  ) throws -> RankProfile {
    guard world.size == 1 || world.size == network.towers else {
      throw Failure(
        .usage,
        "One replica is measured: start it with mpirun -np \(network.towers), or without mpirun.")
    }
    let threads = try Cores(world, threads: nil).threads
    let steps = arguments[Self.steps]
    let placement = try Placement(towers: network.towers, over: world)
    let limits = try MachineLimits(world, ThreadTeam(count: threads))
    var benches: [RankBench] = []
    for batchSize in [32, 128] {
      let built = try Network(
        network, placement: placement,
        options: NetworkOptions(
          batchSize: batchSize, threadsPerTower: max(1, threads / placement.owned.count), seed: 1,
          isTrained: true))
      let times = try BenchRun(
        built,
        batches: Batches(
          network, nil, batchSize: batchSize, own: 0..<batchSize, threads: 1, ranks: world),
        batchSize: batchSize, team: ThreadTeam(count: threads), world: world
      ).train(steps: steps)
      benches.append(
        RankBench(
          times, limits, batchSize: batchSize, ranks: world.size, threads: threads))
    }
    let link = try world.size > 1 ? LinkCheck.measure(world).first : nil
    return RankProfile(benches, network, memory: link)
  }
}

/// A kind of network between hosts.
struct LinkKind: Sendable {
  let name: String
  /// The fraction of the nominal bandwidth that messages reach, and the latency.
  let link: LinkCheck.Link
  /// Core seconds per byte at each end: TCP copies data, remote direct memory access does not.
  let secondsPerByte: Double

  static let standard = LinkKind(
    "10GbE", gigabits: 9.4, microseconds: 15, nanosecondsPerByte: 0.35)
  static let all = [
    LinkKind("1GbE", gigabits: 0.95, microseconds: 30, nanosecondsPerByte: 0.35),
    standard,
    LinkKind("25GbE", gigabits: 23.5, microseconds: 12, nanosecondsPerByte: 0.35),
    LinkKind("40GbE", gigabits: 37.6, microseconds: 12, nanosecondsPerByte: 0.35),
    LinkKind("100G", gigabits: 94, microseconds: 2, nanosecondsPerByte: 0.05),
  ]

  /// Parses an option that names a link.
  static let reading = Reading<LinkKind>(
    completion: .words(all.map(\.name)), text: { $0.name }
  ) { word, option in
    guard let kind = all.first(where: { $0.name == word }) else {
      throw Failure(
        .usage,
        "--\(option) takes \(all.map(\.name).joined(separator: " or ")), not \(quoted(word)).")
    }
    return kind
  }

  private init(
    _ name: String, gigabits: Double, microseconds: Double, nanosecondsPerByte: Double
  ) {
    self.name = name
    link = LinkCheck.Link(latency: microseconds * 1e-6, bandwidth: gigabits * 1e9 / 8)
    secondsPerByte = nanosecondsPerByte * 1e-9
  }
}
