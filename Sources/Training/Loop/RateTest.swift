import Foundation
import System

/// What the learning-rate range test saw (Smith, "Cyclical learning rates for training neural
/// networks", 2017): the loss while the rate grows by the same factor from step to step.
package struct RateTest: Sendable {
  /// A step.
  package struct Point: Equatable, Sendable {
    /// Its learning rate.
    package let rate: Double
    /// The loss before its update.
    package let loss: Double
    /// The exponential mean of the losses up to it, without the pull towards its beginning.
    package let smoothed: Double
  }

  /// The decay of the exponential mean of losses: what is left after a step of those before it.
  private static let decay = 0.9
  /// How many times the lowest smoothed loss ends the test.
  private static let mostRise = 3.0
  /// What is left of the first loss, and of a guess's, where something was learnt.
  private static let learnt = 0.98

  /// The steps so far.
  package private(set) var points: [Point] = []
  private let rates: ClosedRange<Double>
  private let steps: Int
  private let classes: Int
  private var sum = 0.0

  /// Makes a test of so many steps between two rates, of a network that tells so many classes apart.
  package init(_ rates: ClosedRange<Double>, steps: Int, classes: Int) {
    precondition(steps > 1, "A test needs two rates.")
    (self.rates, self.steps, self.classes) = (rates, steps, classes)
  }

  /// The rate of the next step; nil where the test is over: at the largest rate, or when the loss
  /// has exploded.
  package var nextRate: Double? {
    let lowest = points.map(\.smoothed).min() ?? .infinity
    let last = points.last?.smoothed ?? 0
    guard points.count < steps, last <= Self.mostRise * lowest else { return nil }
    let share = Double(points.count) / Double(steps - 1)
    return rates.lowerBound * pow(rates.upperBound / rates.lowerBound, share)
  }

  /// Writes the loss of the next step down; one that is not finite ends the test.
  /// - Returns: Whether the test goes on.
  package mutating func note(loss: Double) -> Bool {
    guard let rate = nextRate, loss.isFinite else { return false }
    sum = Self.decay * sum + (1 - Self.decay) * loss
    let weight = 1 - pow(Self.decay, Double(points.count + 1))
    points.append(Point(rate: rate, loss: loss, smoothed: sum / weight))
    return nextRate != nil
  }

  /// A rate to train with, and why.
  package struct Suggestion: Equatable, Sendable {
    /// The rate: a tenth of that where the smoothed loss is lowest, with one digit.
    package let rate: Double
    /// A sentence.
    package let reason: String
  }

  /// What the test suggests.
  ///
  /// Where the loss is lowest the rate is about to be too large. A tenth of it is well inside of
  /// where the loss falls, and above most of what is too small. But large initial values begin with
  /// a loss far above a guess's, and it falls from there while nothing is learnt.
  /// - Throws: `Failure` (diverged) where the loss has not fallen by a fiftieth at any rate, or not
  ///   below that of a guess.
  package var suggestion: Suggestion {
    get throws {
      // The first values are means of few steps.
      let start = points.first?.smoothed ?? .nan
      guard let lowest = points.min(by: { $0.smoothed < $1.smoothed }),
        lowest.smoothed < Self.learnt * start
      else {
        throw Failure(
          .diverged,
          String(format: "The loss did not fall below %.3f by more than 2 %% ", start)
            + "at any rate from \(plain(rates.lowerBound)) to \(plain(points.last?.rate ?? 0, digits: 3)); give "
            + "more steps (--max-steps), other rates (--rates), or other initial values (--initial)."
        )
      }
      let guess = log(Double(classes))
      guard lowest.smoothed < Self.learnt * guess else {
        throw Failure(
          .diverged,
          String(
            format: "Nothing was learnt: the lowest smoothed loss, %.3f (from %.3f), ",
            lowest.smoothed, start)
            + String(format: "is not 2 %% below %.3f, which guessing one of ", guess)
            + "\(counted(classes, "class", "classes")) gives. Try "
            + (lowest == points.last
              ? "more steps (--max-steps \(3 * steps)), since it still falls there"
              : "smaller rates and more steps, such as --rates "
                + "\(plain((rates.lowerBound / 100).asWritten)):\(plain(rounded(lowest.rate))) "
                + "--max-steps \(3 * steps)") + ", or other initial values (--initial).")
      }
      let rate = rounded(lowest.rate / 10)
      let end =
        if lowest == points.last {
          "still falling there: a test with larger --rates may show more"
        } else {
          points.count < steps ? "and explodes soon after" : "and does not fall beyond it"
        }
      return Suggestion(
        rate: rate,
        reason: String(
          format: "a tenth of %@, where the smoothed loss is lowest (%.3f, from %.3f), ",
          plain(rounded(lowest.rate)), lowest.smoothed, start) + end)
    }
  }

  private func rounded(_ number: Double) -> Double {
    let unit = pow(10, floor(log10(number)))
    return ((number / unit).rounded() * unit).asWritten
  }
}
