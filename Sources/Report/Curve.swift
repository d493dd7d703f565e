/// The points of a curve.
package struct Curve: Sendable, Equatable {
  /// A point.
  package struct Point: Sendable, Equatable {
    /// The position on the x axis.
    package var x: Double
    /// The position on the y axis.
    package var y: Double

    package init(_ x: Double, _ y: Double) { (self.x, self.y) = (x, y) }
  }

  /// The points, from left to right.
  package var points: [Point]

  /// Makes a curve; points that are not finite are left out.
  package init(_ points: some Sequence<Point>) {
    self.points = points.filter { $0.x.isFinite && $0.y.isFinite }
  }

  /// The means of groups of neighbouring points, for curves with very many points; at most `count`
  /// groups.
  package func thinned(to count: Int) -> Curve {
    guard points.count > count else { return self }
    return Curve(
      (0..<count).map { group in
        let range = points[points.count * group / count..<points.count * (group + 1) / count]
        let sum = range.reduce(Point(0, 0)) { Point($0.x + $1.x, $0.y + $1.y) }
        return Point(sum.x / Double(range.count), sum.y / Double(range.count))
      })
  }

  /// An exponentially smoothed curve.
  ///
  /// Each value is the mean of two exponential moving averages, one from the left, m_i = (1 - a)
  /// y_i + a m_(i-1), and one from the right, corrected at the ends.
  /// - Parameter span: The number of points over which a weight falls to 1/e.
  /// - Returns: A curve with as many points.
  package func smoothed(over span: Double) -> Curve {
    guard span > 0 else { return self }
    let keep = 1 - 1 / (1 + span)
    func means(_ values: [Double]) -> [Double] {
      var (sum, weight) = (0.0, 0.0)
      return values.map { value in
        sum = keep * sum + value
        weight = keep * weight + 1
        return sum / weight
      }
    }
    let heights = points.map(\.y)
    let (left, right) = (means(heights), means(heights.reversed()))
    return Curve(
      points.indices.map {
        Point(points[$0].x, (left[$0] + right[points.count - 1 - $0]) / 2)
      })
  }
}
