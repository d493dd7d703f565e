import Foundation
import System
import Testing
import Training

@Suite struct RateTestTests {
  /// A test over a loss that depends on the rate alone.
  private func test(
    _ rates: ClosedRange<Double> = 1e-5...10, steps: Int = 61, classes: Int = 10,
    _ loss: (Double) -> Double
  ) -> RateTest {
    var test = RateTest(rates, steps: steps, classes: classes)
    while let rate = test.nextRate, test.note(loss: loss(rate)) {}
    return test
  }

  @Test func theRateGrowsByTheSameFactor() throws {
    let rates = test(1e-3...10, steps: 5) { _ in 1 }.points.map(\.rate)
    #expect(zip(rates, [1e-3, 1e-2, 0.1, 1, 10]).allSatisfy { abs($0 / $1 - 1) < 1e-12 })
    #expect(rates.count == 5)
  }

  /// By hand: of 4, 2 and 1 the means are 4, (0.9 x 4 + 2) / 1.9 and (0.81 x 4 + 0.9 x 2 + 1) / 2.71.
  @Test func lossesAreSmoothedWithoutThePullOfTheBeginning() {
    var losses = [4.0, 2, 1]
    let smoothed = test(steps: 3) { _ in losses.removeFirst() }.points.map(\.smoothed)
    let expected = [4, 5.6 / 1.9, 6.04 / 2.71]
    #expect(zip(smoothed, expected).allSatisfy { abs($0 - $1) < 1e-12 }, "\(smoothed)")
  }

  /// A loss that falls from 2.3 by 0.3 a decade above 1e-3, and explodes above 0.3.
  @Test func aTenthOfTheLowestIsSuggestedAndTheTestEndsWhereTheLossExplodes() throws {
    let test = test { rate in
      rate > 0.3 ? 2.3 * pow(rate / 0.3, 3) : 2.3 - 0.3 * max(0, log10(rate / 1e-3))
    }
    #expect(test.points.count < 61, "it ends before the last rate")
    let suggestion = try test.suggestion
    #expect((0.02...0.05).contains(suggestion.rate), "\(suggestion)")
    #expect(suggestion.reason.contains("explodes"))
  }

  /// Large initial values: from 98 to 1.97 with 3 classes, of which a guess has 1.099.
  @Test func aLossThatIsNeverBelowThatOfAGuessGivesNoRate() throws {
    func falling(to lowest: Double) -> RateTest {
      test(1e-6...1, classes: 3) {
        $0 > 0.1 ? 200 : max(lowest, 98 * pow($0 / 1e-6, -1))
      }
    }
    let failure = #expect(throws: Failure.self) { try falling(to: 1.97).suggestion }
    let message = failure?.message ?? ""
    #expect(failure?.exitCode == .diverged)
    for part in ["Nothing was learnt", "from 98.000", "1.099", "3 classes", "--rates 1e-08:"] {
      #expect(message.contains(part), "\(part) in \(message)")
    }
    #expect(throws: Failure.self) { try falling(to: 1.09).suggestion }
    #expect(throws: Never.self) { try falling(to: 0.5).suggestion }
  }

  @Test func aLossThatNeverFallsGivesNoRate() {
    #expect(throws: Failure.self) { try test { _ in 2.3 }.suggestion }
    #expect(throws: Failure.self) { try test { $0 > 1e-3 ? .nan : 2.3 }.suggestion }
  }
}
