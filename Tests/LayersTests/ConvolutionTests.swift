import Layers
import Networks
import System
import Tensors
import TestSupport
import Testing

@Suite struct ConvolutionTests {
  /// A convolution with what it is tried on.
  struct Case: CustomTestStringConvertible {
    var slices: [MapShape]
    var kernels: Int
    var window: Window
    var groups = 1
    var images = 2
    var capacity = 2
    var threads = 1
    var firstSlice = 0
    var choice = ConvolutionChoice.automatic
    /// Whether Winograd's algorithm computes it, which rounds more.
    var isWinograd = false

    var tolerance: Double { isWinograd ? 2e-5 : 1e-6 }

    var testDescription: String {
      "\(slices) \(kernels) kernels \(window.size)/\(window.stride)/\(window.padding) "
        + "\(window.rounding), \(groups) groups, \(images) of \(capacity) images, \(threads) "
        + "threads"
    }

    func bench(integers: Bool = false, withBiases: Bool = true) -> (LayerBench, Convolution) {
      let length = window.size * window.size * slices.reduce(0) { $0 + $1.maps } / groups
      var random = SmallRandom(UInt64(kernels * 1000 + length))
      let weights =
        integers ? random.integers(kernels * length) : random.uniforms(kernels * length)
      let layer = Convolution(
        ConvolutionSpecification(name: "conv", kernels: kernels, window: window, groups: groups),
        inputs: slices,
        weight: .weights(
          kernels: kernels, size: (window.size, window.size),
          sliceMaps: slices.map { $0.maps / groups }, values: weights),
        bias: .biases(
          withBiases ? random.uniforms(kernels) : [Float](repeating: 0, count: kernels)),
        choice: choice, team: ThreadTeam(count: threads))
      let bench = LayerBench(layer, images: images, capacity: capacity)
      bench.firstSlice = firstSlice
      return (bench, layer)
    }
  }

  static func square(_ side: Int, _ maps: Int) -> MapShape {
    MapShape(height: side, width: side, maps: maps)
  }

  static let cases = [
    Case(slices: [square(5, 1)], kernels: 1, window: Window(size: 3, stride: 1)),
    Case(
      slices: [MapShape(height: 7, width: 5, maps: 3)], kernels: 5,
      window: Window(size: 3, stride: 2, padding: 1)),
    Case(slices: [square(20, 3)], kernels: 6, window: Window(size: 11, stride: 4), threads: 2),
    Case(
      slices: [square(20, 3)], kernels: 6, window: Window(size: 11, stride: 4, rounding: .down)),
    Case(
      slices: [square(6, 8)], kernels: 16, window: Window(size: 5, stride: 1, padding: 2),
      images: 3, capacity: 4, threads: 2),
    Case(
      slices: [square(5, 4)], kernels: 6, window: Window(size: 3, stride: 1, padding: 1), groups: 2,
      images: 3, capacity: 3, threads: 3),
    Case(
      slices: [square(5, 9)], kernels: 12, window: Window(size: 2, stride: 2), groups: 3, threads: 2
    ),
    // Fewer images than threads: some threads have none.
    Case(
      slices: [square(6, 7)], kernels: 9, window: Window(size: 3, stride: 1, padding: 1), images: 1,
      capacity: 2, threads: 2),
    Case(
      slices: [square(4, 3)], kernels: 10, window: Window(size: 3, stride: 2, padding: 2),
      images: 2,
      capacity: 5, threads: 3),
    // Both towers' maps, equal and not, the own ones first.
    Case(
      slices: [square(5, 4), square(5, 4)], kernels: 6,
      window: Window(size: 3, stride: 1, padding: 1)),
    Case(
      slices: [square(5, 5), square(5, 3)], kernels: 7,
      window: Window(size: 3, stride: 1, padding: 1),
      images: 3, capacity: 3, threads: 2, firstSlice: 1),
    Case(
      slices: [square(6, 2), square(6, 1), square(6, 3)], kernels: 4,
      window: Window(size: 2, stride: 3, padding: 1), threads: 3, firstSlice: 2),
    // Patches of a row alone are longer than the block that is gathered at once.
    Case(
      slices: [square(12, 130)], kernels: 4, window: Window(size: 9, stride: 1, padding: 4),
      images: 1,
      capacity: 1),
  ]

  /// Kernels and maps in sixteens, which Winograd's algorithm takes.
  static let winograd = [
    Case(
      slices: [square(6, 16)], kernels: 16, window: Window(size: 3, stride: 1, padding: 1),
      images: 3, capacity: 4, threads: 2, isWinograd: true),
    Case(
      slices: [MapShape(height: 9, width: 13, maps: 16)], kernels: 32,
      window: Window(size: 3, stride: 1), isWinograd: true),
    Case(
      slices: [square(13, 32)], kernels: 16, window: Window(size: 3, stride: 1, padding: 1),
      images: 1, capacity: 2, threads: 2, isWinograd: true),
    Case(
      slices: [square(7, 16)], kernels: 16, window: Window(size: 5, stride: 1, padding: 2),
      images: 2, capacity: 3, threads: 3, isWinograd: true),
    Case(
      slices: [square(3, 16)], kernels: 16, window: Window(size: 3, stride: 1, padding: 2),
      isWinograd: true),
    // Maps that are filled up to whole vectors.
    Case(
      slices: [square(9, 24)], kernels: 32, window: Window(size: 3, stride: 1, padding: 1),
      images: 3, capacity: 4, threads: 2, isWinograd: true),
    Case(
      slices: [MapShape(height: 8, width: 11, maps: 37)], kernels: 16,
      window: Window(size: 5, stride: 1, padding: 2), isWinograd: true),
    Case(
      slices: [square(10, 40)], kernels: 16, window: Window(size: 3, stride: 1), images: 1,
      capacity: 2, threads: 2, isWinograd: true),
    // Both towers' maps, equal and not.
    Case(
      slices: [square(5, 16), square(5, 16)], kernels: 16,
      window: Window(size: 3, stride: 1, padding: 1), threads: 2, isWinograd: true),
    Case(
      slices: [square(5, 16), square(5, 32)], kernels: 16,
      window: Window(size: 3, stride: 1, padding: 1), firstSlice: 1, isWinograd: true),
    // Strides, whose pixels are rearranged into maps first: AlexNet's first layer in small, and
    // others.
    Case(
      slices: [square(28, 3)], kernels: 16, window: Window(size: 11, stride: 4), threads: 2,
      isWinograd: true),
    Case(
      slices: [square(28, 3)], kernels: 16, window: Window(size: 11, stride: 4, rounding: .down),
      images: 1, capacity: 1, isWinograd: true),
    Case(
      slices: [MapShape(height: 11, width: 8, maps: 4)], kernels: 16,
      window: Window(size: 6, stride: 2), images: 3, capacity: 3, threads: 3, isWinograd: true),
    Case(
      slices: [square(17, 4)], kernels: 16, window: Window(size: 9, stride: 2), isWinograd: true),
  ]

  /// Few maps and sixteen kernels or more, which are convolved directly.
  static let direct = [
    // The first layer of cifar-four-layer in small.
    Case(
      slices: [square(8, 3)], kernels: 16, window: Window(size: 5, stride: 1, padding: 2),
      images: 3, capacity: 4, threads: 2),
    // Places and taps that are no multiple of six; windows that reach beyond the padding.
    Case(
      slices: [MapShape(height: 9, width: 16, maps: 2)], kernels: 48,
      window: Window(size: 4, stride: 2, padding: 1), images: 1, capacity: 2, threads: 3),
    Case(
      slices: [square(30, 1)], kernels: 32, window: Window(size: 7, stride: 4, rounding: .up),
      threads: 2),
    Case(
      slices: [square(14, 5)], kernels: 16, window: Window(size: 2, stride: 2, rounding: .down)),
    Case(
      slices: [square(6, 15)], kernels: 16, window: Window(size: 1, stride: 1), images: 3,
      capacity: 3, threads: 2),
    // The first layer of alexnet-64 in small, and kernels of which the last sixteen overlap others.
    Case(
      slices: [square(21, 3)], kernels: 24, window: Window(size: 7, stride: 2), images: 3,
      capacity: 3, threads: 2),
    Case(slices: [square(9, 3)], kernels: 47, window: Window(size: 3, stride: 1, padding: 1)),
  ]

  @Test(arguments: direct) func fewMapsAreConvolvedDirectly(_ trial: Case) {
    #expect(trial.bench().1.algorithmTitle == "direct")
  }

  @Test func twoKernelsWorkedByHand() {
    // One image of 3 x 3 pixels and one map; kernels of 2 x 2.
    let layer = Convolution(
      ConvolutionSpecification(name: "conv", kernels: 2, window: Window(size: 2, stride: 1)),
      inputs: [Self.square(3, 1)],
      weight: .weights(
        kernels: 2, size: (2, 2), sliceMaps: [1], values: [1, 2, 3, 4, 0, -1, 1, 0]),
      bias: .biases([10, 0]), team: ThreadTeam(count: 1))
    let bench = LayerBench(layer, images: 1)
    bench.inputs[0].set([1, 2, 3, 4, 5, 6, 7, 8, 9])
    // First kernel at the top left: 10 + 1*1 + 2*2 + 3*4 + 4*5 = 47. Second: -2 + 4 = 2.
    #expect(bench.forward() == [47, 2, 57, 2, 77, 2, 87, 2])
    let dx = bench.backward([1, 0, 0, 0, 0, 0, 0, 2])
    // The first kernel once at the top left, the second twice at the bottom right.
    #expect(dx == [[1, 2, 0, 3, 4, -2, 0, 2, 0]])
    #expect(layer.weight.canonical(layer.weight.gradient) == [1, 2, 4, 5, 10, 12, 16, 18])
    #expect(layer.bias.gradient.values() == [1, 2])
  }

  @Test func twoMapsWithPaddingWorkedByHand() {
    // One pixel of two maps, one kernel of 3 x 3 with padding 1: only its middle meets the pixel.
    var weights = [Float](repeating: 100, count: 18)
    (weights[4], weights[9 + 4]) = (2, 3)
    let layer = Convolution(
      ConvolutionSpecification(
        name: "conv", kernels: 1, window: Window(size: 3, stride: 1, padding: 1)),
      inputs: [Self.square(1, 2)],
      weight: .weights(kernels: 1, size: (3, 3), sliceMaps: [2], values: weights),
      bias: .biases([1]), team: ThreadTeam(count: 1))
    let bench = LayerBench(layer, images: 1)
    bench.inputs[0].set([5, 7])
    // 1 + 2 * 5 + 3 * 7
    #expect(bench.forward() == [32])
    #expect(bench.backward([10]) == [[20, 30]])
    var gradient = [Float](repeating: 0, count: 18)
    (gradient[4], gradient[9 + 4]) = (50, 70)
    #expect(layer.weight.canonical(layer.weight.gradient) == gradient)
  }

  @Test(arguments: cases + direct + winograd) func agreesWithTheReference(_ trial: Case) {
    let (bench, layer) = trial.bench()
    bench.fill(seed: 7)
    let x = bench.maps
    let kernels = Reference.Kernels(
      count: trial.kernels, size: trial.window.size, stride: trial.window.stride,
      padding: trial.window.padding, groups: trial.groups, height: x.height, width: x.width,
      roundsUp: trial.window.rounding == .up)
    let weights = layer.weight.canonical(layer.weight.value).map(Double.init)
    let y = Reference.convolution(
      x, weights: weights, biases: layer.bias.value.values().map(Double.init), kernels)
    #expect(layer.output == MapShape(height: y.height, width: y.width, maps: y.maps))
    #expect(relativeError(bench.forward(), y.interleaved()) < trial.tolerance)

    var random = SmallRandom(8)
    let dy = random.uniforms(bench.outputCount)
    let dyMaps = FeatureMaps(images: trial.images, [(layer.output, dy)])
    let dx = Reference.convolutionInputGradient(dyMaps, weights: weights, x: x, kernels)
    let (dw, db) = Reference.convolutionParameterGradient(dyMaps, x: x, kernels)
    var firstMap = 0
    for (slice, gradient) in zip(trial.slices, bench.backward(dy)) {
      let maps = firstMap..<(firstMap + slice.maps)
      #expect(relativeError(gradient, dx.interleaved(maps: maps)) < trial.tolerance)
      firstMap += slice.maps
    }
    #expect(relativeError(layer.weight.canonical(layer.weight.gradient), dw) < trial.tolerance)
    #expect(relativeError(layer.bias.gradient.values(), db) < 1e-6)
    #expect(bench.leavesTheRestAlone)
    #expect(bench.gradientsAreTheSameOneByOne(dy))
  }

  @Test(arguments: cases.filter { $0.slices[0].maps < 100 } + direct + winograd)
  func gradientsAreFiniteDifferences(_ trial: Case) {
    let (bench, _) = trial.bench()
    bench.fill(seed: 9)
    #expect(bench.gradientError(seed: 10, step: 0.25) < 1e-3)
  }

  @Test(arguments: cases + direct) func inputGradientIsTheAdjoint(_ trial: Case) {
    let (bench, _) = trial.bench(integers: true, withBiases: false)
    #expect(bench.adjointDefect(seed: 11) == 0)
  }

  @Test(arguments: winograd) func inputGradientIsNearlyTheAdjoint(_ trial: Case) {
    // Winograd's fractions are rounded; <Gx, y> itself is in the thousands.
    let (bench, _) = trial.bench(integers: true, withBiases: false)
    #expect(abs(bench.adjointDefect(seed: 11)) < 0.1)
  }

  @Test(arguments: winograd) func bothAlgorithmsAgree(_ trial: Case) {
    let (fast, _) = trial.bench()
    var plain = trial
    plain.choice = .patches
    let (slow, _) = plain.bench()
    for bench in [fast, slow] { bench.fill(seed: 13) }
    let (first, second) = (fast.forward(), slow.forward())
    #expect(relativeError(first, second) < trial.tolerance)
    // Where they are equal to the bit, one of them was not tried.
    #expect(first != second)
  }

  @Test func fewImagesTakeTilesWhoseKernelsTheyPayFor() {
    func title(
      side: Int, maps: Int, size: Int, images: Int, isTrained: Bool = true
    ) -> String {
      Convolution(
        ConvolutionSpecification(
          name: "conv", kernels: 128, window: Window(size: size, stride: 1, padding: size / 2)),
        inputs: [Self.square(side, maps)],
        weight: .weights(
          kernels: 128, size: (size, size), sliceMaps: [maps],
          values: [Float](repeating: 0, count: 128 * size * size * maps), isTrained: isTrained),
        bias: .biases([Float](repeating: 0, count: 128)), images: images,
        team: ThreadTeam(count: 1)
      ).algorithmTitle
    }
    #expect(title(side: 13, maps: 192, size: 3, images: 1) == "patches")
    #expect(title(side: 13, maps: 192, size: 3, images: 1, isTrained: false) == "F(4,3)")
    #expect(title(side: 13, maps: 192, size: 3, images: 128) == "F(7,3)")
    #expect(title(side: 27, maps: 48, size: 5, images: 1) == "F(4,5)")
    #expect(title(side: 27, maps: 48, size: 5, images: 128) == "F(4,5)")
  }

  /// A single picture through a layer of the size of AlexNet's fifth: small tiles, and what they cost
  /// in exactness.
  @Test func oneImagesTilesAreMoreExact() {
    var random = SmallRandom(17)
    let (input, kernels) = (Self.square(13, 192), 128)
    let values = random.uniforms(kernels * 9 * input.maps)
    let biases = random.uniforms(kernels)
    func bench(images: Int) -> LayerBench {
      let bench = LayerBench(
        Convolution(
          ConvolutionSpecification(
            name: "conv", kernels: kernels, window: Window(size: 3, stride: 1, padding: 1)),
          inputs: [input],
          weight: .weights(
            kernels: kernels, size: (3, 3), sliceMaps: [input.maps], values: values,
            isTrained: false),
          bias: .biases(biases), images: images, team: ThreadTeam(count: 2)),
        images: 1, capacity: images, isTraining: false)
      bench.fill(seed: 18)
      return bench
    }
    let single = bench(images: 1)
    let expected = Reference.convolution(
      single.maps, weights: values.map(Double.init), biases: biases.map(Double.init),
      Reference.Kernels(
        count: kernels, size: 3, stride: 1, padding: 1, groups: 1, height: 13, width: 13,
        roundsUp: true)
    ).interleaved()
    let error = relativeError(single.forward(), expected)
    #expect(error < 4e-6)
    #expect(relativeError(bench(images: 128).forward(), expected) > 2 * error)
  }

  /// Forward and backward each transform the kernels into an order of their own.
  @Test(arguments: [winograd[5], winograd[8], winograd[10]]) func passesInAnyOrderAgree(
    _ trial: Case
  ) {
    let (bench, _) = trial.bench()
    bench.fill(seed: 15)
    var random = SmallRandom(16)
    let dy = random.uniforms(bench.outputCount)
    let (first, gradient) = (bench.forward(), bench.backward(dy))
    #expect(bench.backward(dy) == gradient)
    #expect(bench.forward() == first)
    #expect(bench.forward() == first)
    #expect(bench.backward(dy) == gradient)
  }

  @Test(arguments: [winograd[0], direct[0]]) func changedWeightsAreNoticed(_ trial: Case) {
    let (bench, layer) = trial.bench()
    bench.fill(seed: 14)
    let before = bench.forward()
    for i in 0..<layer.weight.value.count { layer.weight.value.pointer[i] *= 2 }
    for i in 0..<layer.bias.value.count { layer.bias.value.pointer[i] *= 2 }
    #expect(bench.forward() == before.map { 2 * $0 })
  }

  @Test func theNumberOfThreadsDoesNotChangeTheOutput() {
    var outputs: [[Float]] = []
    for threads in 1...3 {
      var trial = Self.cases[4]
      trial.threads = threads
      let (bench, _) = trial.bench()
      bench.fill(seed: 12)
      outputs.append(bench.forward())
    }
    #expect(outputs[0] == outputs[1] && outputs[0] == outputs[2])
  }
}
