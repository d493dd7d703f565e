import Layers
import ModelParallel
import Networks
import Tensors
import TestSupport
import Testing
import Towers

/// Layers whose weights stay as they are, against the same network with none.
enum FrozenLayers {
  /// The lowest layers, up to one that reads its own tower, one that reads all, and all but the
  /// last; one in the middle; a layer in the middle and the lowest.
  static let choices: [Set<String>] = [
    ["conv1"], ["conv1", "conv2"], ["conv1", "conv2", "conv3"],
    ["conv1", "conv2", "conv3", "fc4", "fc5"], ["conv3"], ["conv1", "fc4"],
  ]

  /// What is wrong with the gradients of a network with frozen layers; nil for nothing.
  static func problem(
    _ own: Network, against whole: Network, frozen: Set<String>
  ) -> String? {
    for parameter in own.parameters {
      let twin = whole.parameters.first {
        $0.name == parameter.name && $0.kernels == parameter.kernels
      }
      let isFrozen = frozen.contains { parameter.name.hasPrefix($0 + ".") }
      let expected = twin.map {
        isFrozen ? [Float](repeating: 0, count: $0.gradient.count) : $0.gradient.values()
      }
      if parameter.gradient.values() != expected { return parameter.name }
    }
    return nil
  }
}

@Suite struct FrozenLayersTests {
  @Test(arguments: FrozenLayers.choices) func onlyUnfrozenLayersGetGradients(
    _ frozen: Set<String>
  ) throws {
    let network = SmallNetworks.alexNetLike()
    let whole = try NetworkBench(network, images: 3)
    let own = try NetworkBench(network, images: 3, frozen: frozen)
    for number in 0..<2 {
      #expect(try own.step(number) == whole.step(number))
      #expect(FrozenLayers.problem(own.network, against: whole.network, frozen: frozen) == nil)
    }
    let seconds = own.network.layerSeconds
    let lowest = try #require(
      network.layers.first { $0.hasWeights && !frozen.contains($0.name) }?.name)
    let untouched = seconds.prefix { $0.name != lowest }
    #expect(untouched.allSatisfy { $0.backward == 0 && $0.forward > 0 })
  }
}

@Suite(.serialized, .enabled(if: TestWorld.hasPairs, "run with mpirun -np 2 or 4"))
struct FrozenLayersAcrossRanksTests {
  @Test(arguments: FrozenLayers.choices) func frozenLayersOnTwoRanksEqualOneProcess(
    _ frozen: Set<String>
  ) throws {
    let network = SmallNetworks.alexNetLike()
    let whole = try NetworkBench(network, images: 3)
    let own = try NetworkBench(
      network, over: TestWorld.shared.pair, images: 3, frozen: frozen)
    for number in 0..<2 {
      #expect(try own.step(number) == whole.step(number))
      #expect(FrozenLayers.problem(own.network, against: whole.network, frozen: frozen) == nil)
    }
  }

  @Test(arguments: FrozenLayers.choices, ReplicasAcrossRanksTests.schemes)
  func replicasReduceOnlyUnfrozenGradients(_ frozen: Set<String>, _ scheme: FullyConnectedScheme)
    throws
  {
    let whole = try NetworkBench(SmallNetworks.alexNetLike(), images: 5)
    let replica = try ReplicasAcrossRanksTests.Replica(whole, scheme: scheme, frozen: frozen)
    for number in 0..<2 {
      let (score, expected) = (try replica.step(number), try whole.step(number))
      #expect(abs(score.lossSum / expected.lossSum - 1) < 1e-5)
      #expect(replica.error(against: whole, except: frozen) < 2e-5)
      #expect(
        replica.network.parameters.allSatisfy { parameter in
          !frozen.contains { parameter.name.hasPrefix($0 + ".") }
            || parameter.gradient.elements.allSatisfy { $0 == 0 }
        })
    }
  }
}
