import Layers
import Networks
import System
import Tensors
import TestSupport
import Testing

@Suite struct DropoutTests {
  /// A layer over a vector, part of a larger one where `firstNeuron` is not 0.
  static func bench(
    neurons: Int, probability: Double = 0.5, scalesInTraining: Bool = false, firstNeuron: Int = 0,
    seed: UInt64 = 1, images: Int = 2, capacity: Int? = nil, threads: Int = 1,
    isTraining: Bool = true
  ) -> LayerBench {
    let layer = Dropout(
      DropoutSpecification(
        name: "drop", probability: probability, scalesInTraining: scalesInTraining),
      input: MapShape(height: 1, width: 1, maps: neurons), firstNeuron: firstNeuron,
      random: Philox(seed: seed, purpose: 7), batchSize: capacity ?? images,
      team: ThreadTeam(count: threads))
    return LayerBench(layer, images: images, capacity: capacity, isTraining: isTraining)
  }

  /// The mask of a step: what becomes of ones.
  static func mask(_ bench: LayerBench, step: Int = 0, firstImage: Int = 0) -> [Float] {
    bench.pass.step = step
    bench.pass.firstImage = firstImage
    bench.inputs[0].set([Float](repeating: 1, count: bench.inputCount()))
    return bench.forward()
  }

  @Test(arguments: [0, 0.1, 0.5, 0.9]) func dropsTheGivenShareOfNeurons(_ probability: Double) {
    let mask = Self.mask(Self.bench(neurons: 10_000, probability: probability))
    #expect(mask.allSatisfy { $0 == 0 || $0 == 1 })
    let dropped = Double(mask.count { $0 == 0 })
    // Five standard deviations of a binomial count.
    let deviation = (20_000 * probability * (1 - probability)).squareRoot()
    #expect(abs(dropped - 20_000 * probability) <= 5 * deviation)
  }

  @Test func neighboursAreDroppedIndependently() {
    let mask = Self.mask(Self.bench(neurons: 20_000, images: 1))
    for distance in 1...8 {
      let pairs = zip(mask, mask.dropFirst(distance)).count { $0 == $1 }
      #expect(abs(Double(pairs) - 10_000) < 5 * 5_000.0.squareRoot())
    }
  }

  @Test func theMaskDependsOnStepImageAndSeedAlone() {
    let first = Self.mask(Self.bench(neurons: 101), step: 5)
    #expect(Self.mask(Self.bench(neurons: 101), step: 5) == first)
    #expect(Self.mask(Self.bench(neurons: 101, capacity: 7, threads: 3), step: 5) == first)
    #expect(Self.mask(Self.bench(neurons: 101), step: 6) != first)
    #expect(Self.mask(Self.bench(neurons: 101, seed: 2), step: 5) != first)
    #expect(Array(first[..<101]) != Array(first[101...]))
    // The second image of the whole batch, met by a replica that begins there.
    let second = Self.mask(Self.bench(neurons: 101, images: 1), step: 5, firstImage: 1)
    #expect(second == Array(first[101...]))
  }

  @Test(arguments: [1, 2, 50, 51]) func towersSeeTheirPartOfOneMask(_ firstOfTower1: Int) {
    let whole = Self.mask(Self.bench(neurons: 101, images: 1))
    let tower0 = Self.mask(Self.bench(neurons: firstOfTower1, images: 1))
    let tower1 = Self.mask(
      Self.bench(neurons: 101 - firstOfTower1, firstNeuron: firstOfTower1, images: 1))
    #expect(tower0 + tower1 == whole)
  }

  @Test(arguments: [1, 2, 3]) func outputAndGradientPassTheMask(_ threads: Int) {
    let bench = Self.bench(neurons: 37, images: 3, capacity: 4, threads: threads)
    let mask = Self.mask(bench, step: 3)
    bench.fill(seed: 4)
    #expect(bench.forward() == zip(bench.values(), mask).map(*))
    var random = SmallRandom(5)
    let dy = random.uniforms(bench.outputCount)
    #expect(bench.backward(dy)[0] == zip(dy, mask).map(*))
    #expect(bench.leavesTheRestAlone)
    #expect(bench.gradientError(seed: 6, step: 0.25) < 1e-3)
  }

  @Test func atTestOutputsAreScaledByTheKeptShare() {
    let bench = Self.bench(neurons: 3, probability: 0.75, isTraining: false)
    bench.inputs[0].set([1, 2, -4, 8, 0, 16])
    #expect(bench.forward() == [0.25, 0.5, -1, 2, 0, 4])
  }

  @Test(arguments: [0.25, 0.5, 0.875]) func invertedDropoutScalesInTrainingAndNotAtTest(
    _ probability: Double
  ) {
    let plain = Self.bench(neurons: 1000, probability: probability)
    let inverted = Self.bench(neurons: 1000, probability: probability, scalesInTraining: true)
    // The same neurons, times 1 / (1 - p) so that the expected output is the input; all factors are
    // exact here.
    let scaled = Self.mask(plain, step: 4).map { $0 / Float(1 - probability) }
    #expect(scaled.contains(0) && scaled.contains(Float(1 / (1 - probability))))
    #expect(Self.mask(inverted, step: 4) == scaled)
    var random = SmallRandom(5)
    let dy = random.uniforms(inverted.outputCount)
    #expect(inverted.backward(dy)[0] == zip(dy, scaled).map(*))

    let atTest = Self.bench(
      neurons: 3, probability: probability, scalesInTraining: true, isTraining: false)
    atTest.inputs[0].set([1, 2, -4, 8, 0, 16])
    #expect(atTest.forward() == [1, 2, -4, 8, 0, 16])
  }
}
