/// Numbers over a picture, rows from the top.
package struct HeatMap: Sendable, Equatable {
  /// The number of rows.
  package let height: Int
  /// The number of columns.
  package let width: Int
  /// The numbers, row by row.
  package var values: [Double]

  package init(height: Int, width: Int, _ values: [Double]) {
    precondition(values.count == height * width, "The numbers must fill the map.")
    (self.height, self.width, self.values) = (height, width, values)
  }

  /// Each number by itself.
  package func mapped(_ transform: (Double) -> Double) -> HeatMap {
    HeatMap(height: height, width: width, values.map(transform))
  }

  /// The sum of maps of one size.
  package static func + (a: HeatMap, b: HeatMap) -> HeatMap {
    precondition(a.height == b.height && a.width == b.width, "The maps must have one size.")
    return HeatMap(height: a.height, width: a.width, zip(a.values, b.values).map { $0 + $1 })
  }

  /// The largest magnitude.
  package var peak: Double { values.reduce(0) { max($0, abs($1)) } }

  /// The map stretched over a square of `side` pixels, row by row: bilinear between the middles of
  /// its cells, and beyond the outermost as there.
  package func stretched(over side: Int) -> [Double] {
    func places(_ count: Int) -> [(low: Int, high: Int, share: Double)] {
      (0..<side).map { pixel in
        let place = (Double(pixel) + 0.5) * Double(count) / Double(side) - 0.5
        let bounded = min(max(place, 0), Double(count - 1))
        let low = Int(bounded)
        return (low, min(low + 1, count - 1), bounded - Double(low))
      }
    }
    let (rows, columns) = (places(height), places(width))
    return rows.flatMap { row in
      columns.map { column in
        let upper = mix(row.low, column)
        return upper + row.share * (mix(row.high, column) - upper)
      }
    }
  }

  private func mix(_ row: Int, _ column: (low: Int, high: Int, share: Double)) -> Double {
    let left = values[row * width + column.low]
    return left + column.share * (values[row * width + column.high] - left)
  }
}
