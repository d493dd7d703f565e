import System
import Tensors

/// Finds the rows of a feature matrix that are nearest to a query by Euclidean distance.
///
/// |x - q|^2 = |x|^2 - 2 x q + |q|^2; the products of a block of rows are one matrix product.
/// Single precision loses digits where the three terms nearly cancel, so the candidates' distances
/// are computed again in double precision from the differences.
package final class NearestNeighbours {
  /// A row and its distance.
  package struct Neighbour: Sendable, Equatable {
    /// The row's number.
    package let row: Int
    /// The Euclidean distance.
    package let distance: Double

    package init(row: Int, distance: Double) {
      self.row = row
      self.distance = distance
    }
  }

  private let features: [Float]
  private let length: Int
  /// |x|^2 of every row.
  private let squares: [Float]

  /// Rows that go into a product of matrices.
  private static let blockRows = 4096

  /// Makes a search over rows, `length` values each, which follow each other.
  package init(_ features: [Float], length: Int) {
    precondition(
      length > 0 && features.count.isMultiple(of: length), "The features must fill whole rows.")
    BLAS.prepare()
    self.features = features
    self.length = length
    squares = features.withUnsafeBufferPointer { features in
      (0..<features.count / length).map { row in
        BLAS.dot(features.start + row * length, features.start + row * length, count: length)
      }
    }
  }

  package var count: Int { squares.count }

  /// The rows nearest to a query, the nearest first; at equal distances the smaller row number
  /// first.
  package func nearest(to query: [Float], count: Int) -> [Neighbour] {
    nearest(to: [query], count: count)[0]
  }

  /// The nearest rows to each of several queries.
  package func nearest(to queries: [[Float]], count: Int) -> [[Neighbour]] {
    precondition(queries.allSatisfy { $0.count == length }, "A query must be as long as a row.")
    guard !features.isEmpty, !queries.isEmpty else { return queries.map { _ in [] } }
    let rows = squares.count
    let wanted = min(count, rows)
    // Some more than wanted, since rounding may swap neighbours.
    let kept = min(rows, wanted + 16)
    let matrix = queries.flatMap { $0 }
    var products = [Float](repeating: 0, count: Self.blockRows * queries.count)
    var candidates = [[(row: Int, value: Float)]](repeating: [], count: queries.count)
    for first in stride(from: 0, to: rows, by: Self.blockRows) {
      let block = min(Self.blockRows, rows - first)
      features.withUnsafeBufferPointer { features in
        matrix.withUnsafeBufferPointer { matrix in
          products.withUnsafeMutableBufferPointer { products in
            BLAS.multiply(
              rows: block, columns: queries.count, inner: length,
              features.start + first * length, stride: length,
              matrix.start, .transposed, stride: length,
              into: products.start, stride: queries.count)
          }
        }
      }
      for query in queries.indices {
        var worst =
          candidates[query].count < kept ? Float.infinity : candidates[query][kept - 1].value
        for row in 0..<block {
          // |q|^2 is the same for all rows.
          let value = squares[first + row] - 2 * products[row * queries.count + query]
          guard value < worst else { continue }
          let place = candidates[query].firstIndex { $0.value > value } ?? candidates[query].count
          candidates[query].insert((first + row, value), at: place)
          if candidates[query].count > kept { candidates[query].removeLast() }
          if candidates[query].count == kept { worst = candidates[query][kept - 1].value }
        }
      }
    }
    return zip(queries, candidates).map { query, candidates in
      candidates.map { Neighbour(row: $0.row, distance: distance(query, $0.row)) }
        .sorted { ($0.distance, $0.row) < ($1.distance, $1.row) }
        .prefix(wanted).map { $0 }
    }
  }

  private func distance(_ query: [Float], _ row: Int) -> Double {
    let sum = (0..<length).reduce(0.0) { sum, i in
      let difference = Double(query[i]) - Double(features[row * length + i])
      return sum + difference * difference
    }
    return sum.squareRoot()
  }
}
