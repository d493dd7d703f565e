import MPI
import ModelParallel
import Networks
import Options
import Planning
import Supervision
import System
import Training

/// `mpirun -np N alexnet doctor`: the composition of a cluster and its problems.
enum Doctor: Subcommand {
  static let name = "doctor"
  static let summary =
    "check hosts, links, cores and memory (with the mpirun line of the training)"

  private static let data = Option(
    "data", "DATASET", .path, "The dataset; all hosts must see the same one.")
  private static let out = Option(
    "out", "FOLDER", .path, "An existing folder for runs; all hosts must share it.")
  private static let limit = Setting(
    "limit", "SECONDS", .number(in: 0.1...1e6), default: 60, unit: "s",
    "How long a message may take.")

  static let command = Command(
    "alexnet doctor",
    overview: """
      Start it as you would start the training. It shows hosts, ranks, cores, threads and libraries,
      sends every kind of message and checks its contents, measures the links, and names each
      problem with the option that solves it. The exit code is the one that training would fail
      with; 0 if it would only be slower.
      """,
    synopsis: "[options]      (usually: mpirun -np N ... alexnet doctor [options])",
    groups: [
      (
        "What will be trained",
        [
          SharedOptions.network, SharedOptions.batchSize, data, out, SharedOptions.boundThreads,
          SharedOptions.towersPerRank,
        ]
      ),
      ("How", [limit]),
    ])

  static func run(_ words: [String]) throws(Failure) {
    OverRanks.start("alexnet doctor") { world in
      let arguments = try command.parse(words)
      let limit = arguments[Self.limit]
      let firstMessages = Watchdog(firstMessagesOf: world, limit: limit)
      let watchdog = try Watchdog(
        world, limit: limit, option: "--limit",
        remedy:
          "The links worked before: look at the cable and the switch, and run 'alexnet doctor' "
          + "again."
      )
      firstMessages.stop()
      Activity.begin("the checks", waitsForRanks: true)
      // The watchdog comes first: it can end a job whose network is dead, while MPI cannot.
      try LinkCheck.verify(world, within: limit + 2)
      let code = try examine(world, arguments)
      try watchdog.finish()
      return code
    }
  }

  private static func examine(_ world: Communicator, _ arguments: Arguments) throws -> ExitCode {
    let network = try NetworkSpecification.named(
      arguments[SharedOptions.network], recipe: .paper)(1000)
    let batchSize = arguments[SharedOptions.batchSize]
    let cores = try Cores(world, threads: arguments[SharedOptions.boundThreads])
    let placement = try Placement(
      towers: network.towers, over: world,
      towersPerRank: arguments[SharedOptions.towersPerRank])
    for group in [placement.group, placement.peers] { try LinkCheck.verify(group) }
    let scheme = FullyConnectedScheme.best(
      network, ranksPerReplica: placement.group.size, replicas: placement.replicas,
      batchSize: batchSize, formats: WireFormats())
    let needed = MemoryEstimate(
      network, placement, batchSize: batchSize, scheme: scheme,
      threadsPerTower: max(1, cores.threads / placement.owned.count)
    ).whileSaving
    let facts = try RankFacts(
      placement.all, rank: world.rank, cores: cores, needed: needed,
      dataset: arguments[data],
      runFolder: arguments[out]
    ).gathered(over: placement.all)
    let links = try measure(placement, network, batchSize: batchSize, scheme: scheme)
    let diagnosis = Diagnosis(facts, links: links)
    if world.rank == 0 {
      let report = DoctorReport(
        cores: cores, facts: facts, placement: placement, links: links, diagnosis: diagnosis)
      try StandardStream.output.show(report.text)
    }
    return diagnosis.exitCode
  }

  /// Measures the links within the first replica, and between the replicas' first ranks, one after
  /// the other.
  private static func measure(
    _ placement: Placement, _ network: NetworkSpecification, batchSize: Int,
    scheme: FullyConnectedScheme
  ) throws -> [Diagnosis.MeasuredLink] {
    let volume = CommunicationVolume(
      network, ranksPerReplica: placement.group.size, replicas: placement.replicas,
      batchSize: batchSize, scheme: scheme, formats: WireFormats())
    let between = volume.bytesBetweenReplicas
    var result: [Diagnosis.MeasuredLink] = []
    let world = placement.all
    for (group, isReplica, bytes) in [
      (placement.group, true, volume.bytes - between), (placement.peers, false, between),
    ] {
      // All ranks get the numbers, but only the first replica, or the first ranks, measure.
      let isMeasured = isReplica ? placement.replica == 0 : placement.group.rank == 0
      let links = isMeasured ? try LinkCheck.measure(group) : []
      let count = Int(try world.allReduce(Int64(links.count), .max))
      for number in 0..<count {
        let own = links.indices.contains(number) && world.rank == 0 ? links[number] : nil
        let step = isReplica ? 1 : placement.group.size
        result.append(
          Diagnosis.MeasuredLink(
            ranks: (number * step, (number + 1) * step),
            link: LinkCheck.Link(
              latency: try world.allReduce(own?.latency ?? 0, .sum),
              bandwidth: try world.allReduce(own?.bandwidth ?? 0, .sum)), bytes: bytes))
      }
    }
    return result
  }
}
