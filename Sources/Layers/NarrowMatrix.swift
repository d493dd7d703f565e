import Kernels
import System
import Tensors

/// A matrix of numbers of 16 bits (bfloat16).
///
/// Half as much is read from memory as of floats, and for products with a vector nothing else
/// counts. Sums are made in 32 bits.
///
/// Rows are blocks of 32 numbers, as `KernelSet.narrowProducts` reads them.
final class NarrowMatrix {
  /// Numbers of a block; the columns are a multiple of it.
  static let block = 32
  /// From so many vectors on, a product of matrices is quicker, with some rows made floats again at
  /// a time.
  private static let fewestForMatrices = 4
  /// So many floats stay in a core's own cache.
  private static let roomOfThread = 48 << 10

  private let columns: Int
  private let pairs: UnsafeMutablePointer<UInt32>
  private let rowsAtOnce: Int
  private let rooms: [Tensor]

  /// Rounds a matrix of rows x columns to the nearest numbers of 16 bits.
  /// - Parameters:
  ///   - numbers: The matrix.
  ///   - rows: Its rows.
  ///   - columns: Its columns, a multiple of `block`.
  ///   - threads: The threads that multiply side by side.
  init(_ numbers: UnsafePointer<Float>, rows: Int, columns: Int, threads: Int) {
    precondition(columns.isMultiple(of: Self.block), "Rows must be whole blocks.")
    self.columns = columns
    pairs = .allocate(capacity: rows * columns / 2)
    let rowsAtOnce = max(1, Self.roomOfThread / columns)
    self.rowsAtOnce = rowsAtOnce
    rooms = (0..<threads).map { _ in Tensor(rowsAtOnce, columns) }
    let half = Self.block / 2
    for place in 0..<(rows * columns / 2) {
      let low = numbers + (place / half * Self.block + place % half)
      pairs[place] =
        UInt32(BFloat16.bits(of: low[0])) | UInt32(BFloat16.bits(of: low[half])) << 16
    }
  }

  deinit { pairs.deallocate() }

  /// y = x w^T for some rows of w, or y += x w^T.
  /// - Parameters:
  ///   - rows: The rows.
  ///   - x: Vectors x columns.
  ///   - vectors: The number of vectors.
  ///   - accumulates: Whether to add.
  ///   - y: Vectors x `stride` numbers, one for each row of w.
  ///   - stride: The floats from one vector's numbers to the next one's.
  ///   - thread: The number of the calling thread.
  func multiply(
    _ rows: Range<Int>, _ x: UnsafePointer<Float>, vectors: Int, accumulates: Bool,
    into y: UnsafeMutablePointer<Float>, stride: Int, thread: Int
  ) {
    if vectors < Self.fewestForMatrices {
      for vector in 0..<vectors {
        KernelSet.best.narrowProducts(
          row(rows.lowerBound), rows.count, columns / Self.block, x + vector * columns, accumulates,
          y + vector * stride + rows.lowerBound)
      }
      return
    }
    let room = rooms[thread].pointer
    var first = rows.lowerBound
    while first < rows.upperBound {
      let count = min(rowsAtOnce, rows.upperBound - first)
      KernelSet.best.widen(row(first), count * columns / Self.block, room)
      BLAS.multiply(
        rows: vectors, columns: count, inner: columns, x, stride: columns, room, .transposed,
        stride: columns, beta: accumulates ? 1 : 0, into: y + first, stride: stride)
      first += count
    }
  }

  private func row(_ number: Int) -> UnsafePointer<UInt32> {
    UnsafePointer(pairs + number * columns / 2)
  }
}
