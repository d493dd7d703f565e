import Layers
import MPI
import ModelParallel
import Networks
import System
import Tensors
import TestSupport
import Testing
import Towers

/// A batch that passes in parts, one after the other.
enum BatchParts {
  /// The parts' network, with the gradients of the whole batch.
  static func network(
    _ whole: NetworkBench, parts: Int, step: Int, over group: Communicator = TestWorld.shared.alone
  ) throws -> (network: Network, loss: Double) {
    let specification = whole.network.specification
    let size = whole.images / parts
    let network = try Network(
      specification, placement: Placement(towers: specification.towers, over: group),
      options: NetworkOptions(batchSize: size, threadsPerTower: 1, seed: 1, isTrained: true))
    var loss = 0.0
    for part in 0..<parts {
      let images = (part * size)..<((part + 1) * size)
      let pass = Pass(
        images: size, isTraining: true, step: step, firstImage: images.lowerBound,
        batch: whole.images, part: part, parts: parts)
      let input = Tensor(whole.input, rows: images)
      try network.forward(input, pass)
      loss += try network.score(Array(whole.labels[images]), pass).lossSum
      network.differentiateLoss(pass)
      try network.backward(input, pass)
    }
    return (network, loss)
  }
}

@Suite struct BatchPartsTests {
  /// With dropout, whose masks go by the image; sums are rounded in another order.
  @Test(arguments: [2, 3]) func partsGiveTheGradientsOfTheWholeBatch(parts: Int) throws {
    let whole = try NetworkBench(SmallNetworks.alexNetLike(), images: 6)
    let score = try whole.step(5)
    let (network, loss) = try BatchParts.network(whole, parts: parts, step: 5)
    #expect(abs(loss / score.lossSum - 1) < 1e-6)
    for (own, other) in zip(network.parameters, whole.network.parameters) {
      #expect(
        relativeError(own.gradient.values(), other.gradient.values()) < 1e-5, "\(own.name)")
    }
  }

  @Test func normsAreThoseOfAllTowersTogetherForAnyNumberOfThreads() throws {
    let bench = try NetworkBench(SmallNetworks.alexNetLike(), images: 3, frozen: ["conv1"])
    try bench.step()
    let norms = try bench.network.norms(ThreadTeam(count: 1))
    var expected: [String: (gradient: Double, value: Double)] = [:]
    for parameter in bench.network.parameters where !parameter.name.hasPrefix("conv1.") {
      func squares(_ tensor: Tensor) -> Double {
        tensor.values().reduce(0) { $0 + Double($1) * Double($1) }
      }
      let (before, name) = (expected[parameter.name] ?? (0, 0), parameter.name)
      expected[name] = (
        before.gradient + squares(parameter.gradient), before.value + squares(parameter.value)
      )
    }
    #expect(Set(norms.tensors.keys) == Set(expected.keys))
    for (name, squares) in expected {
      let own = try #require(norms.tensors[name])
      #expect(abs(own.gradient / squares.gradient - 1) < 1e-12, "\(name)")
      #expect(abs(own.value / squares.value - 1) < 1e-12, "\(name)")
    }
    let all = expected.values.reduce(0) { $0 + $1.gradient }.squareRoot()
    #expect(abs(norms.gradient / all - 1) < 1e-12)
    #expect(try bench.network.norms(ThreadTeam(count: 3)).gradient == norms.gradient)
  }
}

@Suite(.serialized, .enabled(if: TestWorld.hasPairs, "run with mpirun -np 2 or 4"))
struct BatchPartsAcrossRanksTests {
  static let pair = TestWorld.shared.pair

  @Test func normsAndPartsOnTwoRanksAreBitIdenticalToOneProcess() throws {
    let whole = try NetworkBench(SmallNetworks.alexNetLike(), images: 6)
    let (one, loss) = try BatchParts.network(whole, parts: 2, step: 1)
    let (two, other) = try BatchParts.network(whole, parts: 2, step: 1, over: Self.pair)
    #expect(loss == other)
    for parameter in two.parameters {
      let twin = one.parameters.first {
        $0.name == parameter.name && $0.kernels == parameter.kernels
      }
      #expect(parameter.gradient.values() == twin?.gradient.values(), "\(parameter.name)")
    }
    let (norms, pairs) = (
      try one.norms(ThreadTeam(count: 2)), try two.norms(ThreadTeam(count: 1))
    )
    #expect(norms.gradient == pairs.gradient && norms.gradient > 0)
    for (name, squares) in norms.tensors {
      #expect(pairs.tensors[name]?.gradient == squares.gradient)
      #expect(pairs.tensors[name]?.value == squares.value)
    }
  }

  /// Two parts after each other are two replicas side by side, to the last bit.
  @Test(.enabled(if: TestWorld.size == 2, "run with mpirun -np 2"))
  func partsAreWhatReplicasAre() throws {
    let whole = try NetworkBench(SmallNetworks.alexNetLike(), images: 6)
    let (parts, _) = try BatchParts.network(whole, parts: 2, step: 0)
    let replica = try ReplicasAcrossRanksTests.Replica(whole, scheme: .data)
    _ = try replica.step(0)
    for (own, other) in zip(parts.parameters, replica.network.parameters) {
      #expect(own.gradient.values() == other.gradient.values(), "\(own.name)")
    }
  }
}
