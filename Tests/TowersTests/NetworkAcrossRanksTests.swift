import Layers
import MPI
import ModelParallel
import Networks
import Planning
import Tensors
import TestSupport
import Testing
import Towers

/// A network with a tower on each rank of a pair, against both towers in one process.
@Suite(.serialized, .enabled(if: TestWorld.hasPairs, "run with mpirun -np 2 or 4"))
struct NetworkAcrossRanksTests {
  static let pair = TestWorld.shared.pair
  /// The two pairs of four ranks train on different images.
  static let seed = UInt64(TestWorld.shared.all.rank / 2 + 1)

  /// The first of this rank's parameters that is not, bit for bit, its tower's part of the whole
  /// network.
  static func difference(_ own: NetworkBench, _ whole: NetworkBench) -> String? {
    for parameter in own.network.parameters {
      let twin = whole.network.parameters.first {
        $0.name == parameter.name && $0.kernels == parameter.kernels
      }
      let name = "\(parameter.name) \(parameter.kernels)"
      if parameter.value.values() != twin?.value.values() { return "value of \(name)" }
      if parameter.gradient.values() != twin?.gradient.values() { return "gradient of \(name)" }
    }
    return nil
  }

  /// Parameters whose gradient is zero throughout, which would be equal without saying anything.
  static func zeroGradients(_ own: NetworkBench) -> [String] {
    own.network.parameters.filter { $0.gradient.elements.allSatisfy { $0 == 0 } }.map(\.name)
  }

  @Test(arguments: SmallNetworks.all.filter { $0.towers == 2 }, [1, 2])
  func stepsAreBitIdenticalToOneProcess(
    _ network: NetworkSpecification, _ threads: Int
  ) throws {
    let whole = try NetworkBench(
      network, over: TestWorld.shared.alone, images: 3, capacity: 5, threads: threads,
      seed: Self.seed)
    let own = try NetworkBench(
      network, over: Self.pair, images: 3, capacity: 5, threads: threads, seed: Self.seed)
    #expect(own.network.parameters.count == whole.network.parameters.count / 2)
    for number in 0..<5 {
      #expect(try own.step(number) == whole.step(number))
      #expect(own.network.logits[0].values() == whole.network.logits[Self.pair.rank].values())
      #expect(Self.difference(own, whole) == nil)
      // Later a tower's few units may all have died.
      if number == 0 { #expect(Self.zeroGradients(own) == []) }
      own.update(rate: 0.05)
      whole.update(rate: 0.05)
    }
  }

  /// Four parts of one thread, two of two; at last there are fewer images than parts.
  @Test(arguments: [(17, 1), (19, 2), (3, 1)])
  func stepsThatSendInPartsAreBitIdenticalToOneProcess(images: Int, threads: Int) throws {
    let network = SmallNetworks.sentInParts
    let whole = try NetworkBench(
      network, images: images, capacity: 19, threads: threads, seed: Self.seed)
    let own = try NetworkBench(
      network, over: Self.pair, images: images, capacity: 19, threads: threads, seed: Self.seed)
    for number in 0..<3 {
      #expect(try own.step(number) == whole.step(number))
      #expect(Self.difference(own, whole) == nil)
      own.update(rate: 0.01)
      whole.update(rate: 0.01)
    }
    // A tower makes 4 x 4 x 3 numbers for conv2 and 1 x 1 x 3 for the last layer.
    let bytes = 4 * (4 * 4 * 3 + 3)
    #expect(own.network.exchanges.reduce(0) { $0 + $1.forwardBytes } == 3 * images * bytes)
  }

  /// Where a thread moves the messages, the reader's two gradients are found one after the other.
  @Test(arguments: MessageProgress.Mode.allCases)
  func soAreThoseOfEveryWayToMoveMessages(_ mode: MessageProgress.Mode) throws {
    let whole = try NetworkBench(SmallNetworks.sentInParts, images: 9, seed: Self.seed)
    let own = try NetworkBench(
      SmallNetworks.sentInParts, over: Self.pair, images: 9, seed: Self.seed, progress: mode)
    for number in 0..<3 {
      #expect(try own.step(number) == whole.step(number))
      #expect(Self.difference(own, whole) == nil)
      own.update(rate: 0.01)
      whole.update(rate: 0.01)
    }
  }

  @Test(
    .enabled(if: TestWorld.size == 4, "run with mpirun -np 4"),
    arguments: [SmallNetworks.alexNetLike(towers: 4), SmallNetworks.fourTowers])
  func fourTowersOnFourRanksEqualOneProcess(_ network: NetworkSpecification) throws {
    let world = TestWorld.shared.all
    let whole = try NetworkBench(network, images: 3)
    let own = try NetworkBench(network, over: world, images: 3)
    let (score, parts) = (try whole.step(), try own.step())
    // The sum over classes has four terms, which may be added in another order.
    #expect(abs(parts.lossSum / score.lossSum - 1) < 1e-12)
    for parameter in own.network.parameters {
      let twin = whole.network.parameters.first {
        $0.name == parameter.name && $0.kernels == parameter.kernels
      }
      #expect(
        relativeError(parameter.gradient.values(), twin?.gradient.values() ?? []) < 1e-6,
        "\(parameter.name)")
    }
    // What is sent is what was predicted of the first rank.
    guard world.rank == 0 else { return }
    let volume = CommunicationVolume(
      network, ranksPerReplica: 4, replicas: 1, batchSize: 3, scheme: .data, formats: WireFormats())
    for exchange in own.network.exchanges {
      let predicted = volume.boundaries.first { $0.name == exchange.name }
      #expect(predicted?.forward == exchange.forwardBytes, "\(exchange.name)")
      #expect(predicted?.backward == exchange.backwardBytes, "\(exchange.name)")
    }
  }

  @Test(.enabled(if: TestWorld.size == 4, "run with mpirun -np 4"))
  func pairsOfRanksAreIndependent() throws {
    // The second pair trains twice as long; the first must not notice.
    let network = SmallNetworks.alexNetLike()
    let whole = try NetworkBench(network, images: 3)
    let own = try NetworkBench(network, over: Self.pair, images: 3)
    let steps = TestWorld.shared.all.rank / 2 == 0 ? 2 : 4
    for number in 0..<steps { #expect(try own.step(number) == whole.step(number)) }
    #expect(Self.difference(own, whole) == nil)
    #expect(Self.zeroGradients(own) == [])
  }

  @Test func aFullSizeStepEqualsOneProcessAndSendsTheBytesInTheTable() throws {
    let network = NetworkSpecification.alexNet(classes: 1000, recipe: .paper)
    let own = try NetworkBench(network, over: Self.pair, images: 2, capacity: 4, scale: 128)
    let score = try own.step()
    let table = [("conv3", 86_528), ("fc6", 18_432), ("fc7", 8192), ("fc8", 8192)]
    #expect(own.network.exchanges.map(\.name) == table.map(\.0))
    #expect(own.network.exchanges.map(\.forwardBytes) == table.map { 2 * $0.1 })
    #expect(own.network.exchanges.map(\.backwardBytes) == table.map { 2 * $0.1 })
    #expect(own.network.exchanges.reduce(0) { $0 + $1.forwardBytes } == 2 * 121_344)

    let whole = try NetworkBench(network, images: 2, capacity: 4, scale: 128)
    #expect(try whole.step() == score)
    #expect(Self.difference(own, whole) == nil)
    #expect(Self.zeroGradients(own) == [])
  }
}
