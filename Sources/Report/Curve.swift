/// The points of a curve.
package struct Curve: Sendable, Equatable {
  /// A point.
  package struct Point: Sendable, Equatable {
    /// The place on the axis below.
    package var x: Double
    /// The height.
    package var y: Double

    /// Makes a point.
    package init(_ x: Double, _ y: Double) { (self.x, self.y) = (x, y) }
  }

  /// The points, from left to right.
  package var points: [Point]

  /// Makes a curve; points that are not finite are left out.
  package init(_ points: some Sequence<Point>) {
    self.points = points.filter { $0.x.isFinite && $0.y.isFinite }
  }

  /// The means of neighbouring points, so many groups at most, for curves of very many points.
  package func thinned(to count: Int) -> Curve {
    guard points.count > count else { return self }
    return Curve(
      (0..<count).map { group in
        let range = points[points.count * group / count..<points.count * (group + 1) / count]
        let sum = range.reduce(Point(0, 0)) { Point($0.x + $1.x, $0.y + $1.y) }
        return Point(sum.x / Double(range.count), sum.y / Double(range.count))
      })
  }

  /// The curve with each height replaced by a mean in which the points to both sides count less the farther they
  /// are: m_i = (1 - a) y_i + a m_(i-1) from the left and likewise from the right, corrected for the ends, and
  /// their mean.
  /// - Parameter span: Points over which a weight falls to 1/e.
  /// - Returns: As many points.
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
