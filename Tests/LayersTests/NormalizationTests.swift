import Layers
import Networks
import System
import TestSupport
import Testing

/// What both normalisations are tried on.
struct NormalizationCase: CustomTestStringConvertible {
  var shape: MapShape
  var size: Int
  var constant = 2.0
  var scale = 0.3
  var exponent = 0.75
  var images = 2
  var capacity = 2
  var threads = 1

  var testDescription: String {
    "\(shape), size \(size), k \(constant), s \(scale), beta \(exponent), \(images) of \(capacity) "
      + "images, \(threads) threads"
  }

  func traits<Norm: NormalizationTraits>() -> Norm {
    Norm(name: "norm", size: size, constant: constant, scale: scale, exponent: exponent)
  }

  func reference(isSpatial: Bool) -> Reference.Normalization {
    Reference.Normalization(
      size: size, constant: constant, scale: scale, exponent: exponent, isSpatial: isSpatial)
  }

  /// Compares a layer with the reference, and its gradient with finite differences.
  func check(_ layer: any Layer, isSpatial: Bool, scale: Float = 2) {
    let bench = LayerBench(layer, images: images, capacity: capacity)
    bench.fill(seed: 1, scale: scale)
    let norm = reference(isSpatial: isSpatial)
    let y = Reference.normalization(bench.maps, norm)
    #expect(relativeError(bench.forward(), y.interleaved()) < 1e-6)
    var random = SmallRandom(2)
    let dy = random.uniforms(bench.outputCount)
    let dx = Reference.normalizationGradient(
      FeatureMaps(images: images, [(shape, dy)]), x: bench.maps, norm)
    #expect(relativeError(bench.backward(dy)[0], dx.interleaved()) < 1e-6)
    #expect(bench.leavesTheRestAlone)
    #expect(bench.gradientError(seed: 3, step: 0.02) < 1e-3)
  }
}

@Suite struct ResponseNormalizationTests {
  static func layer(_ trial: NormalizationCase) -> ResponseNormalization {
    ResponseNormalization(
      trial.traits(), input: trial.shape, team: ThreadTeam(count: trial.threads))
  }

  @Test func threeMapsWorkedByHand() {
    // One pixel; with exponent 1, k 1, s 1 and a window of 3, y = x / (1 + sum of squares).
    let trial = NormalizationCase(
      shape: MapShape(height: 1, width: 1, maps: 3), size: 3, constant: 1, scale: 1, exponent: 1)
    let bench = LayerBench(Self.layer(trial), images: 1)
    bench.inputs[0].set([1, 2, 4])
    // Denominators 1 + 1 + 4, 1 + 1 + 4 + 16, 1 + 4 + 16.
    let y: [Float] = [1.0 / 6, 2.0 / 22, 4.0 / 21]
    #expect(relativeError(bench.forward(), y) < 1e-6)
    // The gradient of y_0 alone: by x_0 it is 1/6 - 2/36, by x_1 it is -2*1*2/36.
    let dx: [Double] = [1.0 / 6 - 2.0 / 36, -4.0 / 36, 0]
    #expect(relativeError(bench.backward([1, 0, 0])[0], dx) < 1e-6)
  }

  @Test(arguments: [
    NormalizationCase(shape: MapShape(height: 3, width: 2, maps: 8), size: 5),
    NormalizationCase(shape: MapShape(height: 2, width: 2, maps: 48), size: 5, threads: 2),
    NormalizationCase(
      shape: MapShape(height: 2, width: 3, maps: 13), size: 5, images: 2, capacity: 4, threads: 3),
    NormalizationCase(shape: MapShape(height: 2, width: 2, maps: 3), size: 7),
    NormalizationCase(shape: MapShape(height: 2, width: 2, maps: 1), size: 1),
    NormalizationCase(shape: MapShape(height: 1, width: 2, maps: 17), size: 3, exponent: 0.6),
    NormalizationCase(shape: MapShape(height: 1, width: 1, maps: 9), size: 21, constant: 1),
  ])
  func agreesWithTheReferenceAndFiniteDifferences(_ trial: NormalizationCase) {
    trial.check(Self.layer(trial), isSpatial: false)
  }

  @Test func thePapersConstantsOnLargeActivations() {
    var trial = NormalizationCase(shape: MapShape(height: 2, width: 2, maps: 20), size: 5)
    trial.scale = 1e-4
    let bench = LayerBench(Self.layer(trial), images: 2)
    bench.fill(seed: 4, scale: 500)
    let y = Reference.normalization(bench.maps, trial.reference(isSpatial: false))
    #expect(relativeError(bench.forward(), y.interleaved()) < 1e-6)
  }

  @Test func mapsAtTheEdgeHaveFewerNeighbours() {
    let trial = NormalizationCase(
      shape: MapShape(height: 1, width: 1, maps: 6), size: 5, constant: 1, scale: 1, exponent: 1)
    let bench = LayerBench(Self.layer(trial), images: 1)
    bench.inputs[0].set([1, 1, 1, 1, 1, 1])
    // Three, four and five maps within reach.
    let y: [Double] = [0.25, 0.2, 1.0 / 6, 1.0 / 6, 0.2, 0.25]
    #expect(relativeError(bench.forward(), y) < 1e-6)
  }
}

@Suite struct SpatialNormalizationTests {
  static func layer(_ trial: NormalizationCase) -> SpatialNormalization {
    SpatialNormalization(
      trial.traits(), input: trial.shape, team: ThreadTeam(count: trial.threads))
  }

  @Test func oneMapWorkedByHand() {
    // 2 x 3 pixels of one map; with exponent 1, k 1, s 1 and windows of 3 x 3.
    let trial = NormalizationCase(
      shape: MapShape(height: 2, width: 3, maps: 1), size: 3, constant: 1, scale: 1, exponent: 1)
    let bench = LayerBench(Self.layer(trial), images: 1)
    bench.inputs[0].set([1, 0, 2, 0, 1, 0])
    // Left: 1 + 1 + 1; middle: 1 + 1 + 4 + 1; right: 1 + 4 + 1.
    let y: [Float] = [1.0 / 3, 0, 2.0 / 6, 0, 1.0 / 7, 0]
    #expect(relativeError(bench.forward(), y) < 1e-6)
    // The gradient of the upper left pixel: by itself 1/3 - 2/9, by the lower middle -2/9.
    let dx: [Double] = [1.0 / 3 - 2.0 / 9, 0, 0, 0, -2.0 / 9, 0]
    #expect(relativeError(bench.backward([1, 0, 0, 0, 0, 0])[0], dx) < 1e-6)
  }

  @Test(arguments: [
    NormalizationCase(shape: MapShape(height: 5, width: 4, maps: 3), size: 3),
    NormalizationCase(
      shape: MapShape(height: 7, width: 7, maps: 8), size: 5, constant: 1, scale: 0.04, threads: 2),
    // Windows wider than the map.
    NormalizationCase(shape: MapShape(height: 2, width: 3, maps: 5), size: 9),
    NormalizationCase(
      shape: MapShape(height: 4, width: 4, maps: 1), size: 3, exponent: 0.5, images: 1, capacity: 3,
      threads: 3),
    NormalizationCase(shape: MapShape(height: 1, width: 1, maps: 11), size: 5),
  ])
  func agreesWithTheReferenceAndFiniteDifferences(_ trial: NormalizationCase) {
    trial.check(Self.layer(trial), isSpatial: true, scale: 1)
  }
}
