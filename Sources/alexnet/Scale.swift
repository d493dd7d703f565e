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

/// `alexnet scale`: what a training step would take on a cluster, predicted from this machine.
enum Scale: Subcommand {
  static let name = "scale"
  static let summary = "predict step times on a cluster from measurements on this machine"

  private static let command = Command(
    "alexnet scale",
    overview: """
      Measures a replica here (two batches, so that what depends on the images is told from what does not), or
      reads that from files of 'alexnet bench --json', and predicts the steps of 2, 4, 8, ... ranks of one tower on
      hosts that a link joins, for all ways to compute the fully-connected layers.
      """,
    synopsis:
      "[options]      (mpirun -np 2 alexnet scale [options], or without mpirun with --bench)",
    groups: [
      (
        "The cluster",
        [
          Option("hosts", "N", default: "32", "The most hosts."),
          Option("ranks-per-host", "N", default: "2", "Ranks of a host, which share its link."),
          Option(
            "ranks-per-core", "X", default: "1",
            "Ranks that share the cores that one rank has here."),
          Option(
            "link", "NAME", default: "10GbE",
            "What joins the hosts: \(LinkKind.all.map(\.name).joined(separator: ", "))."),
          Option("bandwidth", "GBIT/S", default: "the link's", "What the link carries each way."),
          Option("latency", "US", default: "the link's", "The time of the shortest message."),
          Option(
            "core-cost", "NS", default: "0.35; 100G: 0.05",
            "What a byte costs a core at each end of the link, in nanoseconds."),
        ]
      ),
      (
        "The training",
        [
          Option(
            "network", "NAME|FILE", default: "alexnet, or the benches'",
            "A preset or a JSON description."),
          Option("batch-size", "N", default: "1024 images", "Images in a batch, over all ranks."),
          Option("send-activations", "FORMAT", default: "fp32", "fp32, bf16 or fp16."),
          Option("send-gradients", "FORMAT", default: "fp32", "fp32, bf16 or fp16."),
        ]
      ),
      (
        "The measurement",
        [
          Option(
            "bench", "FILE", default: "measure now", repeats: true,
            "What 'mpirun -np 2 alexnet bench --json' wrote; two files of different --batch-size are best."
          ),
          Option("steps", "N", default: "3", "Steps to measure for each of two batches."),
          OverRanks.watchdogOption,
          .flag("json", "Write one JSON object in place of the table."),
          Option(
            "chart", "FILE.svg", default: "none",
            "Draw the efficiency over the ranks, beside published figures (needs gnuplot)."),
        ]
      ),
    ])

  static func run(_ words: [String]) throws(Failure) {
    let arguments = try command.parse(words)
    if arguments.has("help") { return try StandardStream.output.write(command.helpText) }
    if let path = arguments.string("chart") { try OutputPlace.check(path) }
    if arguments.has("bench") {
      guard !arguments.has("network") else {
        throw Failure(
          .usage, "--network does not go with --bench: the benches say of which network they are.")
      }
      let (network, profile) = try RankProfile.read(benches: arguments.strings("bench"))
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
      arguments.string("network") ?? "alexnet", recipe: .paper)(1000)
  }

  private static func report(
    _ arguments: Arguments, _ network: NetworkSpecification, _ profile: RankProfile
  ) throws(Failure) -> String {
    let names = LinkKind.all.map(\.name)
    let name = try arguments.choice("link", of: names) ?? "10GbE"
    guard let kind = LinkKind.all.first(where: { $0.name == name }) else {
      throw Failure(.usage, "--link takes \(names.joined(separator: " or ")).")
    }
    let bandwidth = try arguments.number("bandwidth", in: 1e-3...1e5).map { $0 * 1e9 / 8 }
    let latency = try arguments.number("latency", in: 0...1e6).map { $0 * 1e-6 }
    let ranksPerHost = try arguments.integer("ranks-per-host", in: 1...1024) ?? 2
    let report = ScaleReport(
      model: ScalingModel(network, profile), linkName: name,
      cluster: ClusterShape(
        ranks: ranksPerHost * (try arguments.integer("hosts", in: 1...65_536) ?? 32),
        ranksPerHost: ranksPerHost,
        ranksPerCore: try arguments.number("ranks-per-core", in: 0.1...1024) ?? 1,
        link: LinkCheck.Link(
          latency: latency ?? kind.link.latency, bandwidth: bandwidth ?? kind.link.bandwidth),
        secondsPerByte: try arguments.number("core-cost", in: 0...1e3).map { $0 * 1e-9 }
          ?? kind.secondsPerByte),
      batchSize: try arguments.integer("batch-size", in: 1...1_048_576) ?? 1024,
      formats: WireFormats(
        activations: try arguments.choice("send-activations", of: WireFormat.self) ?? .fp32,
        gradients: try arguments.choice("send-gradients", of: WireFormat.self) ?? .fp32))
    if let path = arguments.string("chart") {
      try TextFile.write(lines: try ScaleChart(report: report).svg(), to: path)
    }
    return arguments.has("json") ? report.json : report.text
  }

  /// Runs a replica with two batches; all ranks call it together.
  private static func measure(
    _ network: NetworkSpecification, _ world: Communicator, _ arguments: Arguments
  ) throws -> RankProfile {
    guard world.size == 1 || world.size == network.towers else {
      throw Failure(
        .usage,
        "One replica is measured: start it with mpirun -np \(network.towers), or without mpirun.")
    }
    let threads = try Cores(world, threads: nil).threads
    let steps = try arguments.integer("steps", in: 1...1000) ?? 3
    let placement = try Placement(towers: network.towers, over: world)
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
      benches.append(RankBench(times, batchSize: batchSize))
    }
    let link = try world.size > 1 ? LinkCheck.measure(world).first : nil
    return RankProfile(benches, network, memory: link)
  }
}

/// What joins hosts.
struct LinkKind {
  let name: String
  /// What is left for messages of the nominal speed, and the time of the shortest message.
  let link: LinkCheck.Link
  /// Seconds of a core for a byte, at each end: TCP copies, remote direct memory access does not.
  let secondsPerByte: Double

  static let all = [
    LinkKind("1GbE", gigabits: 0.95, microseconds: 30, nanosecondsPerByte: 0.35),
    LinkKind("10GbE", gigabits: 9.4, microseconds: 15, nanosecondsPerByte: 0.35),
    LinkKind("25GbE", gigabits: 23.5, microseconds: 12, nanosecondsPerByte: 0.35),
    LinkKind("40GbE", gigabits: 37.6, microseconds: 12, nanosecondsPerByte: 0.35),
    LinkKind("100G", gigabits: 94, microseconds: 2, nanosecondsPerByte: 0.05),
  ]

  private init(
    _ name: String, gigabits: Double, microseconds: Double, nanosecondsPerByte: Double
  ) {
    self.name = name
    link = LinkCheck.Link(latency: microseconds * 1e-6, bandwidth: gigabits * 1e9 / 8)
    secondsPerByte = nanosecondsPerByte * 1e-9
  }
}
