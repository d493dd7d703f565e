import Layers
import Networks
import System
import TestSupport
import Testing

@Suite struct ReLUTests {
  static let shape = MapShape(height: 3, width: 2, maps: 5)

  @Test func negativeAndPositiveInputsWorkedByHand() {
    let layer = ReLU(
      ReLUSpecification(name: "relu"), input: MapShape(height: 1, width: 1, maps: 4),
      team: ThreadTeam(count: 1))
    let bench = LayerBench(layer, images: 1)
    bench.inputs[0].set([-2, 0, 3, -0.5])
    #expect(bench.forward() == [0, 0, 3, 0])
    #expect(bench.backward([1, 2, 3, 4]) == [[0, 0, 3, 0]])
  }

  @Test func nanPassesThrough() {
    let layer = ReLU(
      ReLUSpecification(name: "relu"), input: MapShape(height: 1, width: 1, maps: 1),
      team: ThreadTeam(count: 1))
    let bench = LayerBench(layer, images: 1)
    bench.inputs[0].set([.nan])
    #expect(bench.forward()[0].isNaN)
  }

  @Test(arguments: [1, 2, 3]) func agreesWithTheReferenceAndFiniteDifferences(_ threads: Int) {
    let layer = ReLU(
      ReLUSpecification(name: "relu"), input: Self.shape, team: ThreadTeam(count: threads))
    let bench = LayerBench(layer, images: 3, capacity: 4)
    var random = SmallRandom(1)
    // At least 0.1 away from the kink.
    bench.inputs[0].set(
      random.uniforms(bench.inputCount()).map { $0 < 0 ? $0 - 0.1 : $0 + 0.1 })
    let y = Reference.relu(bench.maps)
    #expect(bench.forward() == y.interleaved().map(Float.init))
    let dy = random.uniforms(bench.outputCount)
    let dx = Reference.reluGradient(FeatureMaps(images: 3, [(Self.shape, dy)]), y: y)
    #expect(bench.backward(dy)[0] == dx.interleaved().map(Float.init))
    #expect(bench.leavesTheRestAlone)
    #expect(bench.gradientError(seed: 2, step: 0.05) < 1e-3)
  }
}

@Suite struct HyperbolicTangentTests {
  static let shape = MapShape(height: 2, width: 3, maps: 7)

  @Test func someNumbersWorkedByHand() {
    let layer = HyperbolicTangent(
      TanhSpecification(name: "tanh"), input: MapShape(height: 1, width: 1, maps: 3),
      team: ThreadTeam(count: 1))
    let bench = LayerBench(layer, images: 1)
    // tanh(ln 2) = (2 - 1/2) / (2 + 1/2) = 3/5, whose slope is 1 - 9/25.
    bench.inputs[0].set([0, 0.693_147_18, -0.693_147_18])
    #expect(relativeError(bench.forward(), [0, 0.6, -0.6]) < 1e-6)
    #expect(relativeError(bench.backward([1, 1, 2])[0], [1, 0.64, 1.28]) < 1e-6)
  }

  @Test(arguments: [1, 2, 3]) func agreesWithTheReferenceAndFiniteDifferences(_ threads: Int) {
    let layer = HyperbolicTangent(
      TanhSpecification(name: "tanh"), input: Self.shape, team: ThreadTeam(count: threads))
    let bench = LayerBench(layer, images: 2, capacity: 3)
    bench.fill(seed: 1, scale: 2)
    #expect(relativeError(bench.forward(), Reference.tanh(bench.maps).interleaved()) < 1e-6)
    var random = SmallRandom(2)
    let dy = random.uniforms(bench.outputCount)
    let dx = Reference.tanhGradient(FeatureMaps(images: 2, [(Self.shape, dy)]), x: bench.maps)
    #expect(relativeError(bench.backward(dy)[0], dx.interleaved()) < 1e-6)
    #expect(bench.leavesTheRestAlone)
    #expect(bench.gradientError(seed: 3, step: 0.02) < 1e-3)
  }
}
