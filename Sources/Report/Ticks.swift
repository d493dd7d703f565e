import Foundation

/// The distance between the ticks of an axis, so that their labels do not touch each other.
package enum Ticks {
  /// The most ticks of an axis.
  private static let most = 10.0

  /// For an axis whose labels stand side by side.
  /// - Parameters:
  ///   - range: The values on the axis.
  ///   - isWhole: Whether only whole numbers have a meaning, as for steps.
  ///   - letters: How many letters fit along the axis.
  /// - Returns: 1, 2 or 5 times a power of ten.
  package static func step(over range: ClosedRange<Double>, isWhole: Bool, letters: Int) -> Double {
    first(over: range) { step, count in
      // Two letters' room between labels.
      let label = letterCount(range, step) + 2
      return count * Double(label) <= Double(letters) && (!isWhole || step >= 1)
    }
  }

  /// For an axis whose labels stand one above the other.
  /// - Parameters:
  ///   - range: The values on the axis.
  ///   - lines: How many lines of text the axis is long.
  /// - Returns: 1, 2 or 5 times a power of ten.
  package static func step(over range: ClosedRange<Double>, lines: Int) -> Double {
    first(over: range) { step, _ in
      // gnuplot widens the range up to the next ticks. A line is between two labels at least.
      let intervals =
        (range.upperBound / step).rounded(.up) - (range.lowerBound / step).rounded(.down)
      return 2 * intervals + 1 <= max(3, Double(lines))
    }
  }

  /// The smallest round distance that is good, or one that is longer than the range.
  private static func first(
    over range: ClosedRange<Double>, _ isGood: (_ step: Double, _ count: Double) -> Bool
  ) -> Double {
    let length = range.upperBound - range.lowerBound
    guard length > 0, length.isFinite else { return 1 }
    let power = Int(log10(length / most).rounded(.down))
    for exponent in power...power + 3 {
      for digit in [1.0, 2, 5] {
        // Divided, a tenth is the number that "0.1" stands for.
        let step =
          exponent < 0 ? digit / pow(10, Double(-exponent)) : digit * pow(10, Double(exponent))
        let count = (length / step).rounded(.down) + 1
        if count <= most, isGood(step, count) { return step }
      }
    }
    return pow(10, Double(power + 3))
  }

  /// How many letters the longest label takes, as gnuplot writes it.
  private static func letterCount(_ range: ClosedRange<Double>, _ step: Double) -> Int {
    let first = (range.lowerBound / step).rounded(.up)
    let last = (range.upperBound / step).rounded(.down)
    return stride(from: first, through: last, by: 1)
      .map { String(format: "%g", $0 * step).count }.max() ?? 1
  }
}
