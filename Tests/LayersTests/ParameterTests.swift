import Layers
import Networks
import Tensors
import Testing
import TestSupport

@Suite struct ParameterLayoutTests {
  @Test func canonicalOrderWorkedByHand() {
    // One kernel of 1 x 2 pixels over two slices of 2 and 1 maps.
    // In memory: slice 0, pixel by pixel (maps 0 and 1 side by side), then slice 1.
    let layout = ParameterLayout(
      kernels: 1, of: WeightShape(height: 1, width: 2, sliceMaps: [2, 1], isFlat: false))
    let stored = Tensor(
      [6], values: [ /* pixel 0 */10, 20, /* pixel 1 */ 11, 21, /* map 2 */ 30, 31])
    let canonical = Tensor(6)
    layout.getKernel(0, of: stored, into: canonical.pointer)
    #expect(canonical.values() == [10, 11, 20, 21, 30, 31])
    #expect(layout.sliceOffset(1) == 4)
    #expect(layout.canonicalKernelShape == [3, 1, 2])
  }

  @Test func partsOfSplitParametersAreMatricesOfAllKernels() {
    // Two kernels over two slices of one pixel and one map each: the first slice of both comes
    // first.
    let layout = ParameterLayout(
      kernels: 2, of: WeightShape(height: 1, width: 1, sliceMaps: [1, 1], isFlat: true))
    let stored = Tensor([4], values: [1, 2, 3, 4])
    let kernel = Tensor(2)
    layout.getKernel(0, of: stored, into: kernel.pointer)
    #expect(kernel.values() == [1, 3])
    layout.getKernel(1, of: stored, into: kernel.pointer)
    #expect(kernel.values() == [2, 4])
    #expect(layout.canonicalKernelShape == [2])
  }

  @Test func settingAndGettingGivesTheSameNumbers() {
    let layout = ParameterLayout(
      kernels: 3, of: WeightShape(height: 2, width: 3, sliceMaps: [4, 1, 2], isFlat: false))
    let parameter = Parameter(
      name: "p", role: .weight, kernels: 5..<8, kernelCount: 10, layout: layout,
      initialDeviation: 0,
      initialMean: 0, isTrained: false)
    var random = SmallRandom(1)
    let numbers = random.uniforms(layout.count)
    let source = Tensor([layout.count], values: numbers)
    for kernel in 0..<3 {
      layout.setKernel(
        kernel, of: parameter.value, from: source.pointer + kernel * layout.kernelLength)
    }
    #expect(parameter.canonical(parameter.value) == numbers)
    #expect(parameter.value.values() != numbers)
    #expect(parameter.canonicalShape == [10, 7, 2, 3])
    #expect(parameter.gradient.count == 0 && parameter.velocity.count == 0)
  }
}

@Suite struct ParameterTests {
  static func parameter(
    name: String = "conv.weight", kernels: Range<Int>, of count: Int, maps: [Int] = [3],
    size: Int = 3, deviation: Double = 0.01, mean: Double = 0, seed: UInt64 = 1
  ) -> Parameter {
    let parameter = Parameter(
      name: name, role: .weight, kernels: kernels, kernelCount: count,
      layout: ParameterLayout(
        kernels: kernels.count,
        of: WeightShape(height: size, width: size, sliceMaps: maps, isFlat: false)),
      initialDeviation: deviation, initialMean: mean, isTrained: false)
    parameter.initialize(seed: seed)
    return parameter
  }

  @Test(arguments: [1, 3, 4, 6]) func initialValuesDoNotDependOnHowKernelsAreSplit(_ cut: Int) {
    let whole = Self.parameter(kernels: 0..<7, of: 7)
    let lower = Self.parameter(kernels: 0..<cut, of: 7)
    let upper = Self.parameter(kernels: cut..<7, of: 7)
    #expect(
      lower.canonical(lower.value) + upper.canonical(upper.value) == whole.canonical(whole.value))
  }

  @Test func initialValuesDoNotDependOnHowMapsAreSplit() {
    let whole = Self.parameter(kernels: 0..<4, of: 4, maps: [5])
    let shared = Self.parameter(kernels: 0..<4, of: 4, maps: [3, 2])
    #expect(whole.canonical(whole.value) == shared.canonical(shared.value))
    #expect(whole.value.values() != shared.value.values())
  }

  @Test func initialValuesDependOnSeedAndName() {
    let first = Self.parameter(kernels: 0..<4, of: 4).value.values()
    #expect(Self.parameter(kernels: 0..<4, of: 4).value.values() == first)
    #expect(Self.parameter(kernels: 0..<4, of: 4, seed: 2).value.values() != first)
    #expect(Self.parameter(name: "fc.weight", kernels: 0..<4, of: 4).value.values() != first)
  }

  @Test func initialValuesHaveTheirMeanAndDeviation() {
    let values = Self.parameter(
      kernels: 0..<100, of: 100, maps: [100], deviation: 0.03, mean: 0.5
    ).value.values().map(Double.init)
    let count = Double(values.count)
    let mean = values.reduce(0, +) / count
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
    // 90,000 numbers: the mean strays by 0.03 / 300, the deviation by 0.03 / 424; five times that.
    #expect(abs(mean - 0.5) < 5 * 0.0001)
    #expect(abs(variance.squareRoot() - 0.03) < 5 * 0.03 / 424)
    // 0.27 % of a normal distribution lies beyond three deviations.
    let far = values.count { abs($0 - 0.5) > 0.09 }
    #expect((150...340).contains(far))
  }

  @Test func withoutADeviationAllValuesAreTheMean() {
    let bias = Self.parameter(kernels: 0..<3, of: 3, deviation: 0, mean: 1)
    #expect(bias.value.values().allSatisfy { $0 == 1 })
  }

  @Test func purposesAreFNV1a() {
    // Published: FNV-1a 64 of the empty text, of "a" and of "foobar".
    #expect(Parameter.purpose(of: "") == 0xCBF2_9CE4_8422_2325)
    #expect(Parameter.purpose(of: "a") == 0xAF63_DC4C_8601_EC8C)
    #expect(Parameter.purpose(of: "foobar") == 0x8594_4171_F739_67E8)
  }
}
