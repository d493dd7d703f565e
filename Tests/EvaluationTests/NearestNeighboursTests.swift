import Evaluation
import Glibc
import Testing
import TestSupport

/// Neighbours by products of matrices, against distances computed one by one in Double.
@Suite struct NearestNeighboursTests {
  static func distance(_ a: ArraySlice<Float>, _ b: [Float]) -> Double {
    zip(a, b).reduce(0) { $0 + pow(Double($1.0) - Double($1.1), 2) }.squareRoot()
  }

  @Test(arguments: [(1, 7), (100, 3), (5000, 40)])
  func theNearestRowsAreFound(_ rows: Int, _ length: Int) {
    var random = SmallRandom(UInt64(rows))
    // Far from the origin, where |x|^2 - 2 x q + |q|^2 cancels.
    let features = random.uniforms(rows * length).map { $0 + 100 }
    let search = NearestNeighbours(features, length: length)
    #expect(search.count == rows)
    let queries = (0..<3).map { _ in random.uniforms(length).map { $0 + 100 } }
    for (query, found) in zip(queries, search.nearest(to: queries, count: 6)) {
      let all = (0..<rows).map { Self.distance(features[$0 * length..<($0 + 1) * length], query) }
      let expected = all.indices.sorted { (all[$0], $0) < (all[$1], $1) }.prefix(6)
      #expect(found.map(\.row) == Array(expected))
      #expect(found.allSatisfy { abs($0.distance - all[$0.row]) < 1e-9 })
    }
  }

  @Test func rowsAtEqualDistanceAreSortedByNumber() {
    let search = NearestNeighbours([1, 0, 0, 1, 1, 0, 0, 1], length: 2)
    #expect(search.nearest(to: [1, 0], count: 3).map(\.row) == [0, 2, 1])
    #expect(search.nearest(to: [1, 0], count: 9).count == 4)
  }
}
