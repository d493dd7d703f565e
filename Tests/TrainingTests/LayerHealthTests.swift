import Layers
import MPI
import ModelParallel
import Networks
import System
import Tensors
import TestSupport
import Testing
import Towers
import Training

/// A network of two towers after its first training step, some of whose kernels are silent.
enum HealthExample {
  /// Kernels that two towers share unevenly, and units with and without dead kernels.
  static let network = SmallNetworks.network(
    "health", side: 9, classes: 3,
    [
      SmallNetworks.conv("conv1", 5, Window(size: 3, stride: 2), reads: .all),
      .relu(name: "relu1"), .maxPooling(SmallNetworks.pool("pool1", 2, 1)),
      SmallNetworks.conv("conv2", 4, Window(size: 2, stride: 1), reads: .all),
      .tanh(name: "tanh2"),
      SmallNetworks.fc("fc3", 7), .relu(name: "relu3"),
    ])
  static let images = 4

  /// Silences conv1's last kernel, which is the second tower's, and fc3's first neuron, and lowers
  /// fc3's second.
  static func silence(_ network: Network, lowering: Float) {
    let changes: [(bias: String, kernel: Int, amount: Float)] = [
      ("conv1.bias", 4, 100), ("fc3.bias", 0, 100), ("fc3.bias", 1, lowering),
    ]
    for (bias, kernel, amount) in changes {
      for parameter in network.parameters
      where parameter.name == bias && parameter.kernels.contains(kernel) {
        parameter.value.pointer[kernel - parameter.kernels.lowerBound] -= amount
        parameter.noteChange()
      }
    }
  }

  /// By how much fc3's second neuron must be lowered so that one image alone stirs it.
  static func lowering() throws -> Float {
    let bench = try NetworkBench(network, images: images)
    silence(bench.network, lowering: 0)
    let place = try #require(network.layers.firstIndex { $0.name == "fc3" })
    let output = bench.reference().forward(bench.image)[place + 1]
    let numbers = (0..<images).map { output[$0, 1, 0, 0] }.sorted(by: >)
    return Float((numbers[0] + numbers[1]) / 2)
  }

  /// v = -0.01 (0.0005 w + gradient), since there was no step before, and w + v.
  static func update(_ network: Network) {
    SGD(.paper).update(network.parameters, learningRate: 0.01, team: ThreadTeam(count: 1))
  }

  /// What one process measures after the step.
  static func whole(lowering: Float) throws -> (bench: NetworkBench, health: [LayerHealth]) {
    let bench = try NetworkBench(network, images: images)
    silence(bench.network, lowering: lowering)
    try bench.step()
    update(bench.network)
    return (bench, try HealthCheck(bench.network, over: TestWorld.shared.alone).measure())
  }

  /// The largest relative difference between the numbers of two; infinite where one has others.
  static func error(_ own: [LayerHealth], _ expected: [LayerHealth]) -> Double {
    guard own.map(\.name) == expected.map(\.name) else { return .infinity }
    var worst = 0.0
    for (one, other) in zip(own, expected) {
      for path in [\LayerHealth.weight, \.gradient, \.update] {
        worst = max(worst, relativeError([one[keyPath: path]], [other[keyPath: path]]))
      }
      for path in [\LayerHealth.activation, \.deadShare] {
        let numbers = [one, other].map { health in health[keyPath: path].map { [$0] } ?? [] }
        worst = max(worst, relativeError(numbers[0], numbers[1]))
      }
    }
    return worst
  }
}

@Suite struct LayerHealthTests {
  /// The mean of |number|.
  private func mean(_ numbers: [Double]) -> Double {
    numbers.reduce(0) { $0 + abs($1) } / Double(numbers.count)
  }

  /// The share of maps that are zero in every image.
  private func deadShare(_ maps: FeatureMaps) -> Double {
    let pixels = maps.height * maps.width
    let dead = (0..<maps.maps).count { map in
      (0..<maps.images).allSatisfy { image in
        let start = maps.start(image, map)
        return maps.values[start..<start + pixels].allSatisfy { $0 == 0 }
      }
    }
    return Double(dead) / Double(maps.maps)
  }

  @Test func meansAndDeadKernelsAreThoseOfTheNaiveReference() throws {
    let network = HealthExample.network
    let bench = try NetworkBench(network, images: HealthExample.images)
    HealthExample.silence(bench.network, lowering: try HealthExample.lowering())
    var seen: [String: FeatureMaps] = [:]
    try bench.step {
      for layer in network.layers { seen[layer.name] = bench.output(of: layer.name) }
    }
    let reference = bench.reference(seen)
    let outputs = reference.forward(bench.image)
    let slope = Reference.crossEntropy(
      outputs[network.layers.count], labels: bench.labels.map(Int.init)
    ).gradient
    var gradients: [String: [Double]] = [:]
    reference.backward(slope, outputs) { layer, weights, _ in gradients[layer] = weights }
    let units: [(layer: String, unit: String?)] = [
      ("conv1", "relu1"), ("conv2", "tanh2"), ("fc3", "relu3"), ("last", nil),
    ]
    let expected = units.map { layer, unit -> LayerHealth in
      let (weights, gradient) = (reference.parameters(layer).weights, gradients[layer] ?? [])
      let updates = zip(weights, gradient).map { -0.01 * (0.0005 * $0 + $1) }
      let place = network.layers.firstIndex { $0.name == unit }
      let maps = place.map { outputs[$0 + 1] }
      return LayerHealth(
        name: layer, weight: mean(zip(weights, updates).map { $0 + $1 }), gradient: mean(gradient),
        update: mean(updates), activation: maps.map { mean($0.values) },
        deadShare: unit == "tanh2" ? nil : maps.map(deadShare))
    }
    // What the test is about is there: silent kernels, others, and a neuron that one image stirs.
    let shares = expected.map(\.deadShare)
    #expect((0.2..<1).contains(shares[0] ?? 0) && (1.0 / 7..<1).contains(shares[2] ?? 0))
    let last = outputs[network.layers.count - 1]
    #expect((0..<HealthExample.images).count { last[$0, 1, 0, 0] > 0 } == 1)

    HealthExample.update(bench.network)
    let health = try HealthCheck(bench.network, over: TestWorld.shared.alone).measure()
    #expect(HealthExample.error(health, expected) < 1e-4, "\(health), not \(expected)")
  }
}

@Suite(.serialized, .enabled(if: TestWorld.hasPairs, "run with mpirun -np 2 or 4"))
struct LayerHealthAcrossRanksTests {
  static let pair = TestWorld.shared.pair

  @Test func aTowerOnEachRankIsMeasuredLikeBothInOneProcess() throws {
    let lowering = try HealthExample.lowering()
    let (_, expected) = try HealthExample.whole(lowering: lowering)
    let own = try NetworkBench(
      HealthExample.network, over: Self.pair, images: HealthExample.images)
    HealthExample.silence(own.network, lowering: lowering)
    try own.step()
    HealthExample.update(own.network)
    let health = try HealthCheck(own.network, over: Self.pair).measure()
    // The numbers are the same, and are added in another order.
    #expect(HealthExample.error(health, expected) < 1e-12, "\(health), not \(expected)")
  }

  /// A neuron that an image of one replica stirs is silent in the other, and not dead.
  @Test func aKernelIsDeadWhereNoReplicasImageStirsIt() throws {
    let lowering = try HealthExample.lowering()
    let (whole, expected) = try HealthExample.whole(lowering: lowering)
    let placement = try Placement(towers: 2, over: Self.pair, towersPerRank: 2)
    let images = placement.images(of: HealthExample.images)
    let network = try Network(
      HealthExample.network, placement: placement,
      options: NetworkOptions(
        batchSize: HealthExample.images, threadsPerTower: 1, seed: 1, isTrained: true))
    HealthExample.silence(network, lowering: lowering)
    let input = Tensor(whole.input, rows: images)
    let pass = Pass(
      images: images.count, isTraining: true, firstImage: images.lowerBound,
      batch: HealthExample.images)
    try network.forward(input, pass)
    _ = try network.score(Array(whole.labels[images]), pass)
    network.differentiateLoss(pass)
    try network.backward(input, pass)
    HealthExample.update(network)
    let health = try HealthCheck(network, over: Self.pair).measure()
    #expect(HealthExample.error(health, expected) < 1e-4, "\(health), not \(expected)")
  }
}
