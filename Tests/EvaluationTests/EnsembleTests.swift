import Evaluation
import Glibc
import Testing
import TestSupport

/// Weights that are fitted, against a search over all of them.
@Suite struct EnsembleTests {
  /// The mean logarithm of the mixture's probability of the true class.
  static func likelihood(_ rows: [[Double]], _ weights: [Double]) -> Double {
    rows.reduce(0) { sum, row in sum + log(zip(row, weights).reduce(0) { $0 + $1.0 * $1.1 }) }
      / Double(rows.count)
  }

  @Test func fittedWeightsMaximiseTheLikelihood() {
    var random = SmallRandom(5)
    // The first network is good, the second bad but at times right where the first is wrong, the
    // third useless.
    let rows = (0..<200).map { _ -> [Double] in
      let isHard = random.integer(in: 0...9) < 2
      return [isHard ? 0.01 : 0.9, isHard ? 0.6 : 0.3, 0.005].map {
        $0 * (1 + 0.2 * Double(random.uniform()))
      }
    }
    let fitted = EnsembleWeighting.fit(rows)
    #expect(abs(fitted.reduce(0, +) - 1) < 1e-9 && fitted.allSatisfy { $0 >= 0 })
    var best = (weights: [0.0], likelihood: -Double.infinity)
    for i in 0...100 {
      for j in 0...(100 - i) {
        let weights = [Double(i), Double(j), Double(100 - i - j)].map { $0 / 100 }
        let value = Self.likelihood(rows, weights)
        if value > best.likelihood { best = (weights, value) }
      }
    }
    #expect(zip(fitted, best.weights).allSatisfy { abs($0 - $1) < 0.011 }, "\(fitted) \(best)")
    #expect(Self.likelihood(rows, fitted) >= best.likelihood - 1e-6)
  }

  @Test(arguments: [
    ([1e308, 1e308], [0.5, 0.5]), ([1e308, 1e308, 1e308, 1e308], [0.25, 0.25, 0.25, 0.25]),
    ([3, 1], [0.75, 0.25]),
    ([Double.leastNonzeroMagnitude, Double.leastNonzeroMagnitude], [0.5, 0.5]), ([0, 7], [0, 1]),
    ([1e308, 1e-308], [1, 0]),
  ]) func sharesOfAnyNumbersAddUpToOne(_ weights: [Double], _ shares: [Double]) {
    #expect(EnsembleWeighting.shares(weights) == shares)
  }

  @Test func aNetworkThatIsAlwaysBetterGetsAllTheWeight() {
    let fitted = EnsembleWeighting.fit((0..<50).map { _ in [0.8, 0.2] })
    #expect(fitted[0] > 0.9999)
  }
}
