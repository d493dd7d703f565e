import Layers
import Networks
import System
import Tensors
import TestSupport
import Testing

@Suite struct FullyConnectedTests {
  /// A layer with what it is tried on.
  struct Case: CustomTestStringConvertible {
    var slices: [MapShape]
    var kernels: Int
    var images = 2
    var capacity = 3
    var threads = 1
    var firstSlice = 0

    var testDescription: String {
      "\(slices) to \(kernels), \(images) of \(capacity) images, \(threads) threads"
    }

    func bench(
      integers: Bool = false, withBiases: Bool = true, _ precision: Precision = .fp32
    ) -> (LayerBench, FullyConnected) {
      let length = slices.reduce(0) { $0 + $1.count }
      var random = SmallRandom(UInt64(kernels * 1000 + length))
      let weights =
        integers ? random.integers(kernels * length) : random.uniforms(kernels * length)
      let layer = FullyConnected(
        FullyConnectedSpecification(name: "fc", kernels: kernels), inputs: slices,
        weight: .weights(
          kernels: kernels, size: (slices[0].height, slices[0].width),
          sliceMaps: slices.map(\.maps),
          isFlat: true, values: weights),
        bias: .biases(
          withBiases ? random.uniforms(kernels) : [Float](repeating: 0, count: kernels)),
        images: max(images, capacity), precision: precision, team: ThreadTeam(count: threads))
      let bench = LayerBench(layer, images: images, capacity: capacity)
      bench.firstSlice = firstSlice
      return (bench, layer)
    }
  }

  static func vector(_ count: Int) -> MapShape { MapShape(height: 1, width: 1, maps: count) }

  static let cases = [
    Case(slices: [vector(1)], kernels: 1),
    Case(slices: [vector(13)], kernels: 7, images: 1, threads: 2),
    Case(slices: [MapShape(height: 3, width: 2, maps: 5)], kernels: 8, images: 3, threads: 3),
    // Fewer kernels than threads.
    Case(slices: [vector(9)], kernels: 2, threads: 3),
    Case(slices: [vector(8), vector(8)], kernels: 10, threads: 2, firstSlice: 1),
    Case(
      slices: [MapShape(height: 2, width: 2, maps: 3), MapShape(height: 2, width: 2, maps: 2)],
      kernels: 5, images: 3, threads: 2),
    Case(slices: [vector(3), vector(2), vector(2)], kernels: 3, firstSlice: 2),
  ]

  /// More of each than a block has.
  static let large = Case(
    slices: [vector(1100), vector(90)], kernels: 130, images: 67, capacity: 70, threads: 2)

  @Test func twoSlicesWorkedByHand() {
    let layer = FullyConnected(
      FullyConnectedSpecification(name: "fc", kernels: 2),
      inputs: [Self.vector(2), Self.vector(1)],
      weight: .weights(
        kernels: 2, size: (1, 1), sliceMaps: [2, 1], isFlat: true, values: [1, 2, 3, -1, 0, 5]),
      bias: .biases([100, 200]), images: 2, team: ThreadTeam(count: 1))
    let bench = LayerBench(layer, images: 2)
    bench.inputs[0].set([1, 1, 2, 0])
    bench.inputs[1].set([1, -1])
    // Image 0: 100 + 1 + 2 + 3, 200 - 1 + 5. Image 1: 100 + 2 - 3, 200 - 2 - 5.
    #expect(bench.forward() == [106, 204, 99, 193])
    let dx = bench.backward([1, 0, 1, 1])
    #expect(dx == [[1, 2, 0, 2], [3, 8]])
    #expect(layer.weight.canonical(layer.weight.gradient) == [3, 1, 0, 2, 0, -1])
    #expect(layer.bias.gradient.values() == [2, 1])
  }

  @Test func mapsAreReadInPyTorchsOrder() {
    // 1 x 2 pixels of 2 maps: in memory pixel by pixel, in a canonical kernel map by map.
    let layer = FullyConnected(
      FullyConnectedSpecification(name: "fc", kernels: 1),
      inputs: [MapShape(height: 1, width: 2, maps: 2)],
      weight: .weights(
        kernels: 1, size: (1, 2), sliceMaps: [2], isFlat: true, values: [1, 10, 100, 1000]),
      bias: .biases([0]), images: 1, team: ThreadTeam(count: 1))
    let bench = LayerBench(layer, images: 1)
    // Pixel 0: maps 1 and 2; pixel 1: maps 3 and 4.
    bench.inputs[0].set([1, 2, 3, 4])
    // 1 * 1 + 10 * 3 + 100 * 2 + 1000 * 4
    #expect(bench.forward() == [4231])
  }

  /// Runs a layer forward and back, and compares with sums in Double of what `rounded` makes of the
  /// numbers that are multiplied; biases and the sums of their gradients are not.
  private func compare(
    _ trial: Case, _ precision: Precision = .fp32, rounded: (Float) -> Double = Double.init
  ) {
    let (bench, layer) = trial.bench(precision)
    bench.fill(seed: 1)
    let x = Self.inputs(bench, trial, rounded)
    let weights = layer.weight.canonical(layer.weight.value).map(rounded)
    let y = Reference.fullyConnected(
      x, weights: weights, biases: layer.bias.value.values().map(Double.init))
    #expect(relativeError(bench.forward(), y.interleaved()) < 1e-6)

    var random = SmallRandom(2)
    let dy = random.uniforms(bench.outputCount)
    func maps(_ dy: [Float]) -> FeatureMaps {
      FeatureMaps(images: trial.images, [(layer.output, dy)])
    }
    let dyMaps = maps(dy.map { Float(rounded($0)) })
    let dx = Reference.fullyConnectedInputGradient(dyMaps, weights: weights, x: x)
    let (dw, _) = Reference.fullyConnectedParameterGradient(dyMaps, x: x)
    let (_, db) = Reference.fullyConnectedParameterGradient(maps(dy), x: x)
    var firstMap = 0
    for (slice, gradient) in zip(trial.slices, bench.backward(dy)) {
      let maps = firstMap..<(firstMap + slice.maps)
      #expect(relativeError(gradient, dx.interleaved(maps: maps)) < 1e-6)
      firstMap += slice.maps
    }
    #expect(relativeError(layer.weight.canonical(layer.weight.gradient), dw) < 1e-6)
    #expect(relativeError(layer.bias.gradient.values(), db) < 1e-6)
    #expect(bench.leavesTheRestAlone)
  }

  /// A layer's inputs, rounded.
  private static func inputs(
    _ bench: LayerBench, _ trial: Case, _ rounded: (Float) -> Double
  ) -> FeatureMaps {
    FeatureMaps(
      images: trial.images,
      trial.slices.indices.map { slice in
        (trial.slices[slice], bench.values(slice).map { Float(rounded($0)) })
      })
  }

  @Test(arguments: cases + [large]) func agreesWithTheReference(_ trial: Case) { compare(trial) }

  @Test(arguments: cases) func gradientsAreFiniteDifferences(_ trial: Case) {
    let (bench, _) = trial.bench()
    bench.fill(seed: 3)
    #expect(bench.gradientError(seed: 4, step: 0.25) < 1e-3)
  }

  /// A float's upper half, rounded to the nearest: eight bits of precision.
  private static func nearestOf16Bits(_ number: Float) -> Double {
    guard number != 0 else { return 0 }
    let unit = Double(number.binade) / 128
    return (Double(number) / unit).rounded(.toNearestOrEven) * unit
  }

  /// Odd numbers of inputs, kernels and images, more of each than a block has, and threads.
  @Test(.enabled(if: NarrowProduct.isAvailable), arguments: cases + [large])
  func passesIn16BitsMultiplyTheNearestNumbers(_ trial: Case) {
    compare(trial, .bf16, rounded: Self.nearestOf16Bits)
  }

  /// Few images take a path of their own, and an odd number of kernels, more of them than are made
  /// floats at a time, and threads cut the matrix.
  @Test(arguments: [
    Case(slices: [vector(32)], kernels: 1, images: 1, threads: 1),
    Case(slices: [vector(96), vector(64)], kernels: 7, images: 3, threads: 2, firstSlice: 1),
    Case(
      slices: [MapShape(height: 2, width: 2, maps: 16)], kernels: 9, images: 5, capacity: 6,
      threads: 2),
    Case(slices: [vector(8192)], kernels: 13, images: 4, capacity: 4, threads: 1),
    Case(slices: [vector(1120), vector(64)], kernels: 39, images: 35, capacity: 36, threads: 2),
  ]) func narrowWeightsAreTheNearestOf16Bits(_ trial: Case) {
    let (bench, layer) = trial.bench()
    bench.fill(seed: 1)
    let rounded = layer.weight.canonical(layer.weight.value).map(Self.nearestOf16Bits)
    let y = Reference.fullyConnected(
      Self.inputs(bench, trial, Self.nearestOf16Bits), weights: rounded,
      biases: layer.bias.value.values().map(Double.init))
    #expect(layer.keepNarrowWeights())
    #expect(relativeError(bench.forward(), y.interleaved()) < 1e-6)
    #expect(bench.leavesTheRestAlone)
    #expect(layer.weight.value.values().allSatisfy { $0 == 0 })
  }

  @Test func rowsThatAreNoWholeBlocksStayAsTheyAre() {
    let (bench, layer) = Case(slices: [Self.vector(33)], kernels: 4).bench()
    bench.fill(seed: 1)
    let before = bench.forward()
    #expect(!layer.keepNarrowWeights() && bench.forward() == before)
  }

  @Test(arguments: cases + [large]) func inputGradientIsTheAdjoint(_ trial: Case) {
    let (bench, _) = trial.bench(integers: true, withBiases: false)
    #expect(bench.adjointDefect(seed: 5) == 0)
  }
}
