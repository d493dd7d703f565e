import Foundation

/// The figures that several seeds gave: their mean, and how far it can be trusted.
package struct Sample: Sendable, Equatable {
  /// The figures, one a seed.
  package let values: [Double]

  package init(_ values: [Double]) { self.values = values }

  /// Their mean; NaN where there is none.
  package var mean: Double { values.reduce(0, +) / Double(values.count) }

  /// The standard deviation, sqrt(sum (x - mean)^2 / (n - 1)); nil below two figures.
  package var deviation: Double? {
    guard values.count > 1 else { return nil }
    let mean = mean
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return (squares / Double(values.count - 1)).squareRoot()
  }

  /// Half the width of the interval that holds the true mean with a probability of 95 %:
  /// t(n - 1) s / sqrt(n); nil below two figures, and where all are equal.
  ///
  /// Errors are whole numbers of pictures: that a few are equal does not say that all would be.
  package var halfWidth: Double? {
    deviation.flatMap {
      $0 <= 1e-9 * (values.map(abs).max() ?? 0)
        ? nil
        : StudentT.quantile(degrees: values.count - 1) * $0 / Double(values.count).squareRoot()
    }
  }

  /// The interval that holds the true mean with a probability of 95 %; nil below two figures, and
  /// where all are equal.
  package var interval: ClosedRange<Double>? {
    halfWidth.flatMap { $0.isFinite && mean.isFinite ? mean - $0...mean + $0 : nil }
  }

  /// The interval of a mean over pictures, of which there are many: 1.96 s / sqrt(n) around it; nil
  /// where these are no such numbers.
  package static func interval(mean: Double, ofSquares squares: Double, count: Double)
    -> ClosedRange<Double>?
  {
    let width = 1.96 * (max(0, squares - mean * mean) / count).squareRoot()
    return mean.isFinite && width.isFinite ? mean - width...mean + width : nil
  }
}

/// The exact test of whether one of two outcomes is the likelier: of pictures that only one of two
/// networks gets right, how many each does (McNemar's).
package enum SignTest {
  /// The probability that fair coins fall at least as unevenly: twice the binomial tail.
  /// - Parameters:
  ///   - one: How often the first outcome occurred; not negative.
  ///   - other: How often the second did; not negative.
  /// - Returns: p, from 0 to 1; 1 where neither occurred.
  package static func probability(_ one: Int, _ other: Int) -> Double {
    let count = one + other
    // Of count choose few, in logarithms.
    var (ways, sum) = (0.0, 0.0)
    for few in 0...min(one, other) {
      if few > 0 { ways += log(Double(count - few + 1)) - log(Double(few)) }
      sum += exp(ways - Double(count) * log(2.0))
    }
    return min(1, 2 * sum)
  }
}

/// Student's distribution of t.
package enum StudentT {
  /// The t below which |T| stays with a probability.
  /// - Parameters:
  ///   - degrees: Degrees of freedom, at least 1.
  ///   - probability: The probability, 0.95 for the usual interval.
  /// - Returns: t, to twelve digits.
  package static func quantile(degrees: Int, probability: Double = 0.95) -> Double {
    // P(|T| < t) rises with theta = atan(t / sqrt(n)) from 0 to 1.
    var (low, high) = (0.0, Double.pi / 2)
    for _ in 0..<100 {
      let middle = (low + high) / 2
      if within(middle, degrees: degrees) < probability { low = middle } else { high = middle }
    }
    return tan(low) * Double(degrees).squareRoot()
  }

  /// P(|T| < sqrt(n) tan(theta)), a finite sum for whole n (Abramowitz and Stegun, 26.7.3 and
  /// 26.7.4).
  private static func within(_ theta: Double, degrees: Int) -> Double {
    let (sine, cosine) = (sin(theta), cos(theta))
    let isOdd = !degrees.isMultiple(of: 2)
    // Odd: cos + 2/3 cos^3 + (2 4)/(3 5) cos^5 ...; even: 1 + 1/2 cos^2 + (1 3)/(2 4) cos^4 ...
    var (term, sum) = (isOdd ? cosine : 1, 0.0)
    var power = isOdd ? 1 : 0
    while power <= degrees - 2 {
      sum += term
      term *= cosine * cosine * Double(power + 1) / Double(power + 2)
      power += 2
    }
    return isOdd ? 2 / Double.pi * (theta + sine * sum) : sine * sum
  }
}
