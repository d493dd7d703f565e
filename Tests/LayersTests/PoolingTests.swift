import Layers
import Networks
import System
import TestSupport
import Testing

/// What both pools are tried on.
struct PoolingCase: CustomTestStringConvertible {
  var shape: MapShape
  var window: Window
  var images = 2
  var capacity = 2
  var threads = 1

  var testDescription: String {
    "\(shape), \(window.size)/\(window.stride)/\(window.padding) \(window.rounding), \(images) of "
      + "\(capacity) images, \(threads) threads"
  }

  var reference: Reference.Pool {
    Reference.Pool(
      size: window.size, stride: window.stride, padding: window.padding,
      roundsUp: window.rounding == .up)
  }

  static let cases = [
    PoolingCase(
      shape: MapShape(height: 5, width: 7, maps: 3), window: Window(size: 3, stride: 2)),
    PoolingCase(
      shape: MapShape(height: 13, width: 13, maps: 16), window: Window(size: 3, stride: 2),
      images: 3, capacity: 5, threads: 2),
    // Rounding up: the last windows run over the edge.
    PoolingCase(
      shape: MapShape(height: 6, width: 8, maps: 9), window: Window(size: 3, stride: 2), threads: 3),
    PoolingCase(
      shape: MapShape(height: 6, width: 8, maps: 9),
      window: Window(size: 3, stride: 2, rounding: .down)),
    PoolingCase(
      shape: MapShape(height: 5, width: 5, maps: 8),
      window: Window(size: 2, stride: 2, rounding: .down)),
    PoolingCase(
      shape: MapShape(height: 5, width: 4, maps: 10),
      window: Window(size: 3, stride: 2, padding: 1),
      images: 1, capacity: 2, threads: 2),
    PoolingCase(
      shape: MapShape(height: 7, width: 7, maps: 2), window: Window(size: 2, stride: 3)),
    PoolingCase(
      shape: MapShape(height: 16, width: 15, maps: 1), window: Window(size: 15, stride: 1)),
    PoolingCase(shape: MapShape(height: 3, width: 3, maps: 24), window: Window(size: 1, stride: 1)),
  ]
}

@Suite struct MaxPoolingTests {
  static func layer(_ trial: PoolingCase) -> MaxPooling {
    MaxPooling(
      MaxPoolingSpecification(name: "pool", window: trial.window), input: trial.shape,
      batchSize: trial.capacity, team: ThreadTeam(count: trial.threads))
  }

  /// Numbers that differ by 0.01 at least, so that a step of finite differences changes no winner.
  static func fillWithoutTies(_ bench: LayerBench) {
    var random = SmallRandom(1)
    let numbers = (0..<bench.inputCount()).map { Float($0) * 0.01 - 5 }
    bench.inputs[0].set(numbers.shuffled(using: &random))
  }

  @Test func overlappingWindowsWorkedByHand() {
    let trial = PoolingCase(
      shape: MapShape(height: 3, width: 5, maps: 1), window: Window(size: 3, stride: 2))
    let bench = LayerBench(Self.layer(trial), images: 1)
    bench.inputs[0].set([
      1, 2, 9, 4, 5,
      -1, 0, 3, 8, 7,
      6, 2, 1, 0, 2,
    ])
    // The 9 is in both windows.
    #expect(bench.forward() == [9, 9])
    #expect(bench.backward([10, 1]) == [[0, 0, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]])
  }

  @Test func ofEqualMaximaTheFirstWins() {
    for maps in [1, 8] {
      let trial = PoolingCase(
        shape: MapShape(height: 2, width: 2, maps: maps), window: Window(size: 2, stride: 2))
      let bench = LayerBench(Self.layer(trial), images: 1)
      let pixels: [Float] = [3, 5, 5, 5]
      bench.inputs[0].set(pixels.flatMap { [Float](repeating: $0, count: maps) })
      #expect(bench.forward() == [Float](repeating: 5, count: maps))
      let dx = [Float](repeating: 0, count: maps) + [Float](repeating: 1, count: maps)
      let ones = [Float](repeating: 1, count: maps)
      #expect(bench.backward(ones) == [dx + [Float](repeating: 0, count: 2 * maps)])
    }
  }

  @Test func pixelsBeyondTheEdgeAreIgnoredNotZero() {
    // All numbers are negative: a zero from beyond the edge would win.
    let trial = PoolingCase(
      shape: MapShape(height: 2, width: 2, maps: 1), window: Window(size: 3, stride: 2, padding: 1))
    let bench = LayerBench(Self.layer(trial), images: 1)
    bench.inputs[0].set([-4, -3, -2, -1])
    #expect(bench.forward() == [-1, -1, -1, -1].prefix(bench.outputCount).map { $0 })
  }

  @Test(arguments: PoolingCase.cases)
  func agreesWithTheReferenceAndFiniteDifferences(_ trial: PoolingCase) {
    let layer = Self.layer(trial)
    let bench = LayerBench(layer, images: trial.images, capacity: trial.capacity)
    Self.fillWithoutTies(bench)
    let y = Reference.maxPooling(bench.maps, trial.reference)
    #expect(layer.output == MapShape(height: y.height, width: y.width, maps: y.maps))
    #expect(bench.forward() == y.interleaved().map(Float.init))
    var random = SmallRandom(2)
    let dy = random.uniforms(bench.outputCount)
    let dx = Reference.maxPoolingGradient(
      FeatureMaps(images: trial.images, [(layer.output, dy)]), x: bench.maps, trial.reference)
    #expect(relativeError(bench.backward(dy)[0], dx.interleaved()) < 1e-6)
    #expect(bench.leavesTheRestAlone)
    #expect(bench.gradientError(seed: 3, step: 0.004) < 1e-3)
  }
}

@Suite struct AveragePoolingTests {
  static func layer(_ trial: PoolingCase) -> AveragePooling {
    AveragePooling(
      AveragePoolingSpecification(name: "pool", window: trial.window), input: trial.shape,
      team: ThreadTeam(count: trial.threads))
  }

  @Test func meansOverTheEdgeWorkedByHand() {
    // 3 x 3 pixels under windows of 2 x 2, rounded up: the last ones cover two pixels, and one.
    let trial = PoolingCase(
      shape: MapShape(height: 3, width: 3, maps: 1), window: Window(size: 2, stride: 2))
    let bench = LayerBench(Self.layer(trial), images: 1)
    bench.inputs[0].set([1, 2, 3, 4, 5, 6, 7, 8, 9])
    #expect(bench.forward() == [3, 4.5, 7.5, 9])
    #expect(bench.backward([4, 2, 2, 1]) == [[1, 1, 1, 1, 1, 1, 1, 1, 1]])
  }

  @Test(arguments: PoolingCase.cases)
  func agreesWithTheReferenceAndFiniteDifferences(_ trial: PoolingCase) {
    let layer = Self.layer(trial)
    let bench = LayerBench(layer, images: trial.images, capacity: trial.capacity)
    bench.fill(seed: 1)
    let y = Reference.averagePooling(bench.maps, trial.reference)
    #expect(relativeError(bench.forward(), y.interleaved()) < 1e-6)
    var random = SmallRandom(2)
    let dy = random.uniforms(bench.outputCount)
    let dx = Reference.averagePoolingGradient(
      FeatureMaps(images: trial.images, [(layer.output, dy)]), x: bench.maps, trial.reference)
    #expect(relativeError(bench.backward(dy)[0], dx.interleaved()) < 1e-6)
    #expect(bench.leavesTheRestAlone)
    #expect(bench.gradientError(seed: 3, step: 0.25) < 1e-3)
  }

  @Test(arguments: PoolingCase.cases) func inputGradientIsTheAdjoint(_ trial: PoolingCase) {
    let bench = LayerBench(Self.layer(trial), images: trial.images, capacity: trial.capacity)
    // Means of 9 or 225 pixels are no whole numbers: nearly 0 then, exactly 0 for 1, 2 and 4
    // pixels.
    let isExact = trial.window.size <= 2
    #expect(abs(bench.adjointDefect(seed: 4)) <= (isExact ? 0 : 1e-3))
  }
}
