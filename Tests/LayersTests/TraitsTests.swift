import Layers
import Networks
import System
import Tensors
import TestSupport
import Testing

/// What a type of layer says of itself, held against what it does.
@Suite struct TraitsTests {
  private static let images = 3

  /// The layer as a tower builds it, with numbers of both signs to read.
  private static func bench(_ layer: LayerSpecification, isTraining: Bool = true) -> LayerBench {
    let built = layer.buildable.layer(
      LayerContext(
        shape: LayerExamples.shape(layer), batchSize: images, seed: 5, team: ThreadTeam(count: 2)))
    let bench = LayerBench(built, images: images, isTraining: isTraining)
    bench.fill(seed: 3)
    return bench
  }

  private static let inPlace = LayerExamples.variations.filter { $0.traits.worksInPlace }

  @Test(arguments: LayerExamples.variations) func theBuiltLayerIsTheOneDescribed(
    _ layer: LayerSpecification
  ) {
    let (bench, shape) = (Self.bench(layer), LayerExamples.shape(layer))
    let built = bench.layer
    #expect(built.name == layer.name && built.traits.specification == layer)
    #expect(built.output == shape.output && built.inputs == shape.inputs)
    #expect(built.worksInPlace == layer.traits.worksInPlace)
    #expect(built.parameters.isEmpty != layer.hasWeights)
    #expect(built.parameters.reduce(0) { $0 + $1.value.count } == shape.parameters)
    if let weights = layer.weights {
      #expect(built.parameters.map(\.name) == ["t.0.weight", "t.0.bias"])
      #expect(built.gradientsShareWork == weights.gradientsShareWork)
      #expect(
        built.parameters[1].value.values() == [Float](repeating: 0.25, count: weights.kernels))
    }
    // Every number of the output is made.
    #expect(bench.forward().allSatisfy { !$0.isNaN })
  }

  /// A layer that works in place is built to read its output, so it must not miss its input.
  @Test(arguments: inPlace) func inPlaceMakesTheSameNumbers(_ layer: LayerSpecification) {
    let bench = Self.bench(layer)
    let apart = Tensor(Self.images, bench.layer.output.count)
    bench.layer.forward(bench.inputs[0], .whole, into: apart, bench.pass)
    #expect(apart.values() == bench.forward())
  }

  @Test(arguments: inPlace) func whatKeepsNumbersLeavesThemOrLetsNoGradientThrough(
    _ layer: LayerSpecification
  ) {
    let bench = Self.bench(layer)
    let (x, y) = (bench.values(), bench.forward())
    let dx = bench.backward([Float](repeating: 1, count: bench.outputCount))[0]
    let keeps = x.indices.allSatisfy { y[$0] == x[$0] || y[$0] == 0 && dx[$0] == 0 }
    #expect(keeps == (layer.traits.inPlace == .keepsNumbers))
  }

  /// What follows in place may change the output's numbers, their signs apart, where a layer says
  /// that it does not need them.
  @Test(arguments: inPlace) func theGradientNeedsTheOutputWhereTheLayerSaysSo(
    _ layer: LayerSpecification
  ) {
    let bench = Self.bench(layer)
    let y = Tensor(Self.images, bench.layer.output.count)
    let dy = Tensor([Self.images, bench.layer.output.count], values: [], then: 1)
    func gradient() -> [Float] {
      let dx = Tensor(Self.images, bench.layer.output.count)
      bench.layer.backward(dy, x: y, .whole, into: dx, bench.pass)
      return dx.values()
    }
    bench.layer.forward(bench.inputs[0], .whole, into: y, bench.pass)
    let whole = gradient()
    for i in 0..<y.count { y.pointer[i] *= 0.5 }
    #expect((gradient() != whole) == layer.traits.needsItsOutput)
  }

  /// The memory of what a layer has read may hold other numbers where it says that it does not need
  /// them.
  @Test(arguments: LayerExamples.variations.filter { !$0.traits.worksInPlace })
  func aGradientNeedsTheInputWhereTheLayerSaysSo(_ layer: LayerSpecification) {
    let bench = Self.bench(layer)
    _ = bench.forward()
    func gradients() -> [[Float]] {
      bench.backward([Float](repeating: 1, count: bench.outputCount))
        + bench.layer.parameters.map { $0.gradient.values() }
    }
    let whole = gradients()
    for i in 0..<bench.inputs[0].count { bench.inputs[0].pointer[i] *= 0.5 }
    #expect((gradients() != whole) == layer.traits.needsItsInput)
  }

  /// Backward, forward for other images, and backward again: the same, unless something was
  /// remembered.
  @Test(arguments: LayerExamples.variations) func somethingIsRememberedWhereTheLayerSaysSo(
    _ layer: LayerSpecification
  ) {
    let bench = Self.bench(layer)
    let traits = layer.traits
    let dy = [Float](repeating: 1, count: bench.outputCount)
    _ = bench.forward()
    let first = bench.backward(dy)
    var other = bench.pass
    other.step += 1
    let (x, y) = (
      Tensor(Self.images, bench.layer.inputs[0].count),
      Tensor(Self.images, bench.layer.output.count)
    )
    for i in 0..<x.count { x.pointer[i] = -bench.inputs[0].pointer[i] }
    bench.layer.forward(x, .whole, into: y, other)
    #expect((bench.backward(dy) != first) == (traits.rememberedBytes(of: bench.layer.output) > 0))
  }

  @Test(arguments: LayerExamples.variations) func neuronsWorkAloneWhereTheLayerSaysSo(
    _ layer: LayerSpecification
  ) {
    let bench = Self.bench(layer)
    let before = bench.forward()
    bench.inputs[0].pointer[20] += 4
    let changed = zip(before, bench.forward()).enumerated().filter { $1.0 != $1.1 }.map(\.offset)
    if layer.traits.worksOnEachNeuronAlone {
      #expect(changed == [20] || changed == [])
    } else {
      #expect(!changed.isEmpty && changed != [20])
    }
  }

  @Test(arguments: LayerExamples.variations) func theTestOutputIsTheInputWhereTheLayerSaysSo(
    _ layer: LayerSpecification
  ) {
    let bench = Self.bench(layer, isTraining: false)
    #expect((bench.forward() == bench.values()) == layer.traits.isIdentityAtTest)
  }

  @Test(arguments: LayerExamples.variations) func negativesAreSilencedWhereTheLayerSaysSo(
    _ layer: LayerSpecification
  ) {
    guard layer.traits.role == .activation else {
      #expect(!layer.traits.silencesNegatives)
      return
    }
    let bench = Self.bench(layer)
    bench.inputs[0].set([Float](repeating: -0.5, count: bench.inputCount()))
    #expect(bench.forward().allSatisfy { $0 == 0 } == layer.traits.silencesNegatives)
  }
}
