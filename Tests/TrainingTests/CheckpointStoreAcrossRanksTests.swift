import Checkpoints
import Foundation
import Layers
import MPI
import ModelParallel
import Networks
import Safetensors
import System
import Tensors
import TestSupport
import Testing
import Towers
import Training

/// A run's checkpoints, each written by all ranks while training would go on.
@Suite(.serialized) struct CheckpointStoreAcrossRanksTests {
  private static let world = TestWorld.shared.all
  private static let specification = SmallNetworks.alexNetLike()

  /// The run's folder, which is the first rank's.
  private let own = TemporaryFolder()
  private let run: RunDirectory
  private let provenance: Provenance

  init() throws {
    run = RunDirectory(try Self.world.broadcast(own.path, from: 0) + "/run")
    if Self.world.rank == 0 {
      try run.makeFolder()
      try run.makeCheckpointFolder()
    }
    // It says when; files that are compared say the same.
    provenance = try Provenance(Self.world, commandLine: ["test"])
    try Self.world.barrier()
  }

  /// One process holds both towers; two ranks have one each, four are two replicas.
  private static func network(seed: UInt64) throws -> Network {
    try Network(
      specification,
      placement: Placement(
        towers: 2, over: world, towersPerRank: TestWorld.isOneProcess ? 2 : 1),
      options: NetworkOptions(batchSize: 4, threadsPerTower: 1, seed: seed, isTrained: true))
  }

  /// A store of which some ranks do not see the folder.
  private func store(
    _ network: Network, keeping count: Int, blind: Set<Int> = []
  ) throws -> CheckpointStore {
    let side = Self.specification.imageSide
    var settings = TrainingSettings(
      network: Self.specification, recipe: .named(.paper))
    settings.keptCheckpoints = count
    let rank = Self.world.rank
    let folder = try RunFolder(
      blind.contains(rank) ? nil : HeldFolder(run.path), of: run, over: Self.world)
    return try CheckpointStore(
      run, folder, nil, network: network, settings: settings,
      preprocessing: Preprocessing(
        classNames: (0..<7).map { "class \($0)" },
        mean: (0..<side * side * 3).map { Float($0) / 8 }),
      provenance: provenance,
      journal: RunJournal(in: rank == 0 ? folder.held : nil, keeping: 0), newest: nil)
  }

  private func state(_ step: Int, best: Int? = nil) -> TrainingState {
    var state = TrainingState()
    state.step = step
    state.best = best.map { TrainingState.Validation(step: $0, top1Error: 12.5) }
    return state
  }

  /// The names in the folder of checkpoints, once every rank has come here.
  private var names: [String] {
    get throws {
      try Self.world.barrier()
      let names = try FileManager.default.contentsOfDirectory(atPath: run.checkpoints).sorted()
      try Self.world.barrier()
      return names
    }
  }

  private func values(_ network: Network) -> [[Float]] {
    network.parameters.flatMap { parameter in
      [parameter.value, parameter.velocity].map { tensor in
        Array(UnsafeBufferPointer(start: tensor.pointer, count: tensor.count))
      }
    }
  }

  private func write(_ value: Float, into network: Network) {
    for parameter in network.parameters {
      for i in 0..<parameter.value.count { parameter.value.pointer[i] = value }
      for i in 0..<parameter.velocity.count { parameter.velocity.pointer[i] = value }
    }
  }

  @Test func aCheckpointHoldsTheMomentWhenItBeganAndHasNoNameBeforeItIsWhole() throws {
    let network = try Self.network(seed: 3)
    let before = values(network)
    let store = try store(network, keeping: 3)
    try store.begin(state(5))
    // Training goes on while it is written.
    write(0.25, into: network)
    try store.poll(isWritingAnywhere: true)
    #expect(try names == ["step-00000005.safetensors.partial"])
    try store.poll(isWritingAnywhere: false)
    #expect(try names == ["latest.safetensors", "step-00000005.safetensors"])
    #expect(store.newest == state(5) && !store.isWriting)

    let other = try Self.network(seed: 4)
    write(-1, into: other)
    let file = try SafetensorsFile(opening: run.checkpoints + "/latest.safetensors")
    try Checkpoint.load(file, into: other)
    #expect(values(other) == before)
    #expect(try Checkpoint.describe(file).state == state(5))
    try Self.world.barrier()
  }

  @Test func theNewestAndTheBestStay() throws {
    let network = try Self.network(seed: 3)
    let store = try store(network, keeping: 1)
    for (step, best) in [(5, 5), (10, 10), (15, 10), (20, 10)] {
      try store.begin(state(step, best: best))
      try store.finish()
    }
    #expect(
      try names == ["best.safetensors", "latest.safetensors", "step-00000020.safetensors"])
    let best = try SafetensorsFile(opening: run.checkpoints + "/best.safetensors")
    #expect(try Checkpoint.describe(best).state.step == 10)
    try Self.world.barrier()
  }

  @Test func goingBackRemovesLaterStepsAndAbandoningWhatIsUnfinished() throws {
    let network = try Self.network(seed: 3)
    let store = try store(network, keeping: 5)
    for step in [5, 10, 15] {
      try store.begin(state(step, best: 5))
      try store.finish()
    }
    try store.goBack(to: state(10, best: 5))
    #expect(
      try names == [
        "best.safetensors", "latest.safetensors", "step-00000005.safetensors",
        "step-00000010.safetensors",
      ])
    let latest = try SafetensorsFile(opening: run.checkpoints + "/latest.safetensors")
    #expect(try Checkpoint.describe(latest).state.step == 10)
    #expect(store.newest == state(10, best: 5))
    try store.begin(state(12, best: 5))
    #expect(try names.contains("step-00000012.safetensors.partial"))
    store.abandon()
    #expect(try !names.contains { $0.contains("12") })
  }

  /// Hosts without a common file system: the file is the same, byte for byte.
  @Test(.enabled(if: TestWorld.hasPairs, "run with mpirun -np 2 or 4"))
  func ranksThatDoNotSeeTheFolderSendTheirParts() throws {
    let network = try Self.network(seed: 3)
    let folder = try RunFolder(
      Self.world.rank == 0 ? HeldFolder(run.path) : nil, of: run, over: Self.world)
    #expect(folder.ranksWithout == Array(1..<Self.world.size))
    #expect(folder.sentence?.contains(quoted(run.path)) == true)
    var files: [Data] = []
    for blind in [[], Set(folder.ranksWithout)] {
      let store = try store(network, keeping: 3, blind: blind)
      try store.begin(state(5))
      // Training goes on meanwhile, and what is sent is what was copied.
      let before = values(network)
      write(0.25, into: network)
      try store.finish()
      try Self.world.barrier()
      files.append(try Data(contentsOf: URL(filePath: run.latest)))
      try Self.world.barrier()
      for (parameter, numbers) in zip(
        network.parameters, stride(from: 0, to: before.count, by: 2).map { before[$0..<$0 + 2] })
      {
        for (tensor, values) in zip([parameter.value, parameter.velocity], numbers) {
          for (i, value) in values.enumerated() { tensor.pointer[i] = value }
        }
      }
    }
    #expect(files[0] == files[1])

    let sent = try folder.open("checkpoints/latest.safetensors")
    #expect(try Checkpoint.describe(sent).state == state(5))
    let (before, other) = (values(network), try Self.network(seed: 4))
    write(-1, into: other)
    try Checkpoint.load(sent, into: other)
    #expect(values(other) == before)
    try Self.world.barrier()
  }
}
