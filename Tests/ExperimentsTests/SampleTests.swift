import Experiments
import Testing

@Suite struct SampleTests {
  /// Quantiles of t for 95 % in both tails together, from printed tables.
  @Test(arguments: [
    (1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (5, 2.571), (9, 2.262), (10, 2.228),
    (30, 2.042), (120, 1.980),
  ])
  func quantilesAreThoseOfTables(_ degrees: Int, _ quantile: Double) {
    #expect(abs(StudentT.quantile(degrees: degrees) - quantile) < 0.0006)
  }

  @Test func otherProbabilitiesToo() {
    #expect(abs(StudentT.quantile(degrees: 4, probability: 0.99) - 4.604) < 0.0006)
    #expect(abs(StudentT.quantile(degrees: 7, probability: 0.9) - 1.895) < 0.0006)
  }

  @Test func aSampleWorkedByHand() throws {
    // Mean 5, squares 9 + 1 + 1 + 9 over 3, so s = 2.58199; t(3) = 3.18245, over sqrt(4).
    let sample = Sample([2, 4, 6, 8])
    #expect(sample.mean == 5)
    #expect(abs(try #require(sample.deviation) - 2.581989) < 1e-6)
    #expect(abs(try #require(sample.halfWidth) - 4.108517) < 1e-5)
    #expect(Sample([3]).deviation == nil && Sample([3]).interval == nil)
    #expect(Sample([]).mean.isNaN)
    #expect(Sample([2, .nan]).interval == nil)
    // Two errors that are equal by chance are no certainty.
    #expect(Sample([1, 1]).deviation == 0 && Sample([1, 1]).interval == nil)
    #expect(Sample([0.1, 0.1, 0.1]).interval == nil)
    #expect(Sample([0, 0]).interval == nil && Sample([0, 0.001]).interval != nil)
  }

  /// Twice the tails of the binomial distribution with 1/2, by hand.
  @Test func theSignTestCountsCoins() {
    #expect(abs(SignTest.probability(4, 0) - 2.0 / 16) < 1e-12)
    #expect(abs(SignTest.probability(2, 8) - 2 * (1 + 10 + 45) / 1024.0) < 1e-12)
    #expect(SignTest.probability(0, 0) == 1 && SignTest.probability(5, 5) == 1)
    // Of 1,000 coins, 468 or fewer, or 532 or more: z = 1.992 with the correction, p = 0.0463.
    #expect(abs(SignTest.probability(468, 532) - 0.0463) < 0.0003)
  }

  @Test func aVerdictIsWhereTheIntervalLies() {
    // Intervals: 5 +- 4.1, and with a wider spread 5 +- 8.2.
    #expect(Verdict(Sample([2, 4, 6, 8]), above: 0) == .shown)
    #expect(Verdict(Sample([2, 4, 6, 8]), above: 1) == .tooSmall)
    #expect(Verdict(Sample([2, 4, 6, 8]), above: 10) == .opposite)
    #expect(Verdict(Sample([5]), above: 0) == .tooSmall)
    // That a mean is near 0: 0 +- 4.1 and 10 +- 4.1.
    #expect(Verdict(Sample([-3, -1, 1, 3]), within: 5) == .shown)
    #expect(Verdict(Sample([-3, -1, 1, 3]), within: 3) == .tooSmall)
    #expect(Verdict(Sample([7, 9, 11, 13]), within: 5) == .opposite)
    #expect(Verdict(Sample([-7, -9, -11, -13]), within: 5) == .opposite)
    #expect(Verdict(Sample([-3, -1, 1, 3]), within: nil) == .tooSmall)
  }
}
