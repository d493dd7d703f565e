import Training

/// How a run's learning rate goes.
package struct LearningRates {
  /// The numbers of the steps, in `RunMetrics.steps`, at which the rate has fallen in a jump.
  package private(set) var falls: [Int] = []
  /// Whether it also changes otherwise: rises, or falls bit by bit.
  package private(set) var isGradual = false

  /// A jump takes at least this part of the rate away.
  private static let leastFall = 1 / 3.0

  /// - Parameter rates: The rate in each step.
  package init(_ rates: [Double]) {
    let changes = zip(rates, rates.dropFirst()).map { $1 - $0 }
    for (number, change) in changes.enumerated() where change != 0 && !change.isNaN {
      let isLarge = -change >= Self.leastFall * rates[number]
      // The last steps of a cosine divide the rate too: by 4, by infinity. But each takes about as
      // much away as its neighbours, and a jump stands alone.
      let besides = [number - 1, number + 1].filter(changes.indices.contains).map {
        abs(changes[$0])
      }
      let isAlone = !besides.isEmpty && besides.allSatisfy { !(3 * $0 >= -change) }
      if isLarge && isAlone { falls.append(number + 1) } else { isGradual = true }
    }
  }
}
