/// Counts how many numbers lie in each of 4096 fixed intervals.
///
/// The intervals are the same on all ranks, so their counts can be added.
///
/// A number's interval is given by its sign, its exponent and the first three bits of its fraction:
/// there are eight intervals between successive powers of two.
package struct HistogramCounts: Sendable, Equatable {
  /// The number of intervals.
  package static let intervals = 4096

  /// The count of each interval, by the first twelve bits of its numbers.
  package var counts = [Int64](repeating: 0, count: intervals)
  /// The sum of all numbers.
  package var sum = 0.0
  /// The sum of their squares.
  package var squares = 0.0
  /// The smallest number.
  package var smallest = Double.infinity
  /// The largest number.
  package var largest = -Double.infinity

  package init() {}

  /// Counts numbers; those that are not finite are ignored.
  package mutating func add(_ numbers: UnsafeBufferPointer<Float>) {
    counts.withUnsafeMutableBufferPointer { counts in
      for number in numbers where number.isFinite {
        counts[Int(number.bitPattern >> 20)] += 1
        let value = Double(number)
        sum += value
        squares += value * value
        smallest = min(smallest, value)
        largest = max(largest, value)
      }
    }
  }

  /// The number of numbers counted.
  package var total: Int64 { counts.reduce(0, +) }

  /// The intervals from the smallest number to the largest, with their upper limits.
  package var edges: [(limit: Double, count: Int64)] {
    let half = Self.intervals / 2
    func lower(_ interval: Int) -> Double {
      Double(Float(bitPattern: UInt32(interval & (half - 1)) << 20))
    }
    // Negative numbers first, starting with those of largest magnitude.
    let ordered =
      (half..<Self.intervals).reversed().map { (limit: -lower($0), count: counts[$0]) }
      + (0..<half - 1).map { (limit: lower($0 + 1), count: counts[$0]) }
    guard let first = ordered.firstIndex(where: { $0.count > 0 }),
      let last = ordered.lastIndex(where: { $0.count > 0 })
    else { return [(0, 0), (1e-12, 0)] }
    // An empty interval in front shows where the first one starts.
    return Array(ordered[max(0, first - 1)...last])
  }
}
