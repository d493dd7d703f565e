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

  private let features: UnsafeBufferPointer<Float>
  private let isOwner: Bool
  private let length: Int
  /// |x|^2 of every row.
  private let squares: [Float]

  /// Rows that go into a product of matrices.
  private static let blockRows = 4096

  /// Makes a search over rows in the caller's memory, which must stay unchanged.
  /// - Parameters:
  ///   - features: The rows, contiguous.
  ///   - length: The number of values per row.
  package init(_ features: UnsafeBufferPointer<Float>, length: Int) {
    precondition(
      length > 0 && features.count.isMultiple(of: length), "The features must fill whole rows.")
    BLAS.useOneThreadPerCall()
    self.features = features
    self.length = length
    isOwner = false
    squares = Self.squares(features, length)
  }

  deinit { if isOwner { features.deallocate() } }

  /// Makes a search over rows, which are copied.
  package init(_ features: [Float], length: Int) {
    precondition(
      length > 0 && features.count.isMultiple(of: length), "The features must fill whole rows.")
    BLAS.useOneThreadPerCall()
    let copy = UnsafeMutableBufferPointer<Float>.allocate(capacity: features.count)
    _ = copy.initialize(from: features)
    self.features = UnsafeBufferPointer(copy)
    self.length = length
    isOwner = true
    squares = Self.squares(self.features, length)
  }

  package var count: Int { squares.count }

  private static func squares(_ features: UnsafeBufferPointer<Float>, _ length: Int) -> [Float] {
    (0..<features.count / length).map { row in
      BLAS.dot(
        features.start + row * length, features.start + row * length, count: length)
    }
  }

  /// The rows nearest to a query, the nearest first; at equal distances the smaller row number
  /// first.
  package func nearest(to query: [Float], count: Int) -> [Neighbour] {
    nearest(to: [query], count: count)[0]
  }

  /// The nearest rows to each of several queries.
  package func nearest(to queries: [[Float]], count: Int) -> [[Neighbour]] {
    precondition(queries.allSatisfy { $0.count == length }, "A query must be as long as a row.")
    guard !features.isEmpty, !queries.isEmpty else { return queries.map { _ in [] } }
    let start = features.start
    let rows = squares.count
    let wanted = min(count, rows)
    // Some more than wanted, since rounding may swap neighbours.
    let kept = min(rows, wanted + 16)
    let matrix = queries.flatMap { $0 }
    var products = [Float](repeating: 0, count: Self.blockRows * queries.count)
    var candidates = [[(row: Int, value: Float)]](repeating: [], count: queries.count)
    for first in stride(from: 0, to: rows, by: Self.blockRows) {
      let block = min(Self.blockRows, rows - first)
      matrix.withUnsafeBufferPointer { queries in
        products.withUnsafeMutableBufferPointer { products in
          BLAS.multiply(
            rows: block, columns: candidates.count, inner: length, start + first * length,
            stride: length, queries.start, .transposed, stride: length, into: products.start,
            stride: candidates.count)
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
