import Tensors
import Testing

@Suite struct NormalTests {
  static let numbers: [Double] = (0..<50_000 as Range<UInt64>).flatMap { i in
    let four = Philox(seed: 11, purpose: 3).normals(0, i)
    return (0..<4).map { four[$0] }
  }

  static func moment(_ power: Int) -> Double {
    numbers.reduce(0) { sum, x in sum + (0..<power).reduce(1) { product, _ in product * x } }
      / Double(numbers.count)
  }

  @Test func momentsMatchTheNormalDistribution() {
    // 200,000 numbers; each bound is five deviations of that mean: sqrt(Var(x^k) / 200,000).
    #expect(abs(Self.moment(1)) < 5 * 0.00224)
    #expect(abs(Self.moment(2) - 1) < 5 * 0.00316)
    #expect(abs(Self.moment(3)) < 5 * 0.00866)
    #expect(abs(Self.moment(4) - 3) < 5 * 0.0219)
  }

  @Test func tailsMatchTheNormalDistribution() {
    let within = { (bound: Double) in
      Double(Self.numbers.count { abs($0) < bound }) / Double(Self.numbers.count)
    }
    #expect(abs(within(1) - 0.682_69) < 0.006)
    #expect(abs(within(2) - 0.954_50) < 0.003)
    #expect(abs(within(3) - 0.997_30) < 0.001)
    #expect(Self.numbers.allSatisfy { $0.isFinite && abs($0) < 7 })
  }

  @Test func theFourNumbersOfABlockAreUncorrelated() {
    for lane in 0..<4 {
      for other in 0..<lane {
        var sum = 0.0
        for block in stride(from: 0, to: Self.numbers.count, by: 4) {
          sum += Self.numbers[block + lane] * Self.numbers[block + other]
        }
        #expect(abs(sum / 50_000) < 5 * 0.00447)
      }
    }
  }

  @Test func theSameCounterGivesTheSameNumbers() {
    let random = Philox(seed: 1, purpose: 1)
    #expect(random.normals(2, 3) == random.normals(2, 3))
    #expect(random.normals(2, 3) != random.normals(3, 2))
  }
}
