import Foundation
import Report
import Testing

/// Where charts draw a line for the learning rate, and how their axes are divided.
@Suite struct LearningRatesTests {
  private static func cosine(_ steps: Int, of epochs: Int) -> [Double] {
    (0..<steps).map { 0.01 * (1 + cos(.pi * min(1, Double($0) / Double(epochs)))) / 2 }
  }

  /// The last steps of a cosine divide the rate by more than any plateau.
  @Test(arguments: [3, 5, 12, 100, 1000], [0, 4]) func aCosineHasNoJump(
    steps: Int, warmUp: Int
  ) {
    let rates = Self.cosine(steps + 6, of: steps).enumerated().map {
      $0.element * min(1, Double($0.offset + 1) / Double(max(1, warmUp)))
    }
    let course = LearningRates(rates)
    #expect(course.falls.isEmpty && course.isGradual)
  }

  @Test func plateausAndRollbacksAreJumps() {
    let plateaus = [0.01, 0.01, 0.01, 0.001, 0.001, 0.001, 0.0001]
    #expect(LearningRates(plateaus).falls == [3, 6])
    #expect(!LearningRates(plateaus).isGradual)
    // The rate is halved within a cosine.
    var rates = Self.cosine(100, of: 100)
    for number in 40..<100 { rates[number] /= 2 }
    #expect(LearningRates(rates).falls == [40] && LearningRates(rates).isGradual)
    let warmUp = [0.002, 0.004, 0.006, 0.008, 0.01, 0.01, 0.01, 0.001, 0.001]
    #expect(LearningRates(warmUp).falls == [7] && LearningRates(warmUp).isGradual)
  }

  @Test func whatIsConstantOrUnknownHasNoLine() {
    for rates in [[], [0.1], [0.1, 0.1, 0.1], [0, 0, 0], [.nan, .nan, 0.1, 0.1]] {
      let course = LearningRates(rates)
      #expect(course.falls.isEmpty && !course.isGradual, "\(rates)")
    }
    // Less than a third at once is a change, and no jump.
    let small = LearningRates([1, 1, 1, 0.8, 0.8, 0.8])
    #expect(small.falls.isEmpty && small.isGradual)
  }

  @Test(arguments: [
    (0.1839, 0.3678, false, 0.05), (0.5, 1.5, true, 1), (1, 3, true, 1), (1, 44, true, 5),
    (0, 90, false, 10), (-6, -1.5, false, 1), (0.2, 0.4, false, 0.05),
    (1, 2_000_000, true, 500_000),
  ]) func labelsOfTheXAxisDoNotTouch(low: Double, high: Double, isWhole: Bool, step: Double) {
    #expect(Ticks.step(over: low...high, isWhole: isWhole, letters: 42) == step)
  }

  @Test(arguments: [(0.0, 63.0, 15, 10.0), (0, 63, 5, 50), (1.0822, 1.0998, 15, 0.005)])
  func labelsOfTheYAxisHaveALineBetweenThem(low: Double, high: Double, lines: Int, step: Double) {
    #expect(Ticks.step(over: low...high, lines: lines) == step)
  }

  @Test(arguments: [
    ("recipe.learningRate", "recipe.<wbr>learning<wbr>Rate"),
    ("runs/a-b_c<1>", "runs/<wbr>a-<wbr>b_<wbr>c&lt;1&gt;"), ("ILSVRC", "ILSVRC"), ("", ""),
    ("top...", "top..."),
  ]) func namesBreakBetweenTheirWords(_ name: String, _ expected: String) {
    #expect(HTML.breakable(name) == expected)
  }

  /// On a narrow page a row's cells stand one below the other, and say whose they are.
  @Test func aStackedTableNamesItsCells() {
    let stacked = HTML.table(["setting", "run \"1\""], [["a", "1"]], stacks: true)
    #expect(stacked.contains("<td>a</td><td data-column=\"run &quot;1&quot;\">1</td>"))
    let plain = HTML.table(["class", "error %"], [["a", "1"]], numbers: [1])
    #expect(plain.contains(">error&nbsp;%</th>") && !plain.contains("data-column"))
  }
}
