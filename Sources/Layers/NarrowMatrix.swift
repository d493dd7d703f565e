import Kernels
import System
import Tensors

/// A matrix of numbers of 16 bits (bfloat16).
///
/// Half as much is read from memory as of floats, and for products with a vector nothing else
/// counts. Sums are made in 32 bits.
///
/// `KernelSet.narrowProducts` reads two numbers of a row at a time, a 32-bit word: of a block of 32, the
/// first, third and so on lie in the lower halves. So vectors are arranged: of each block, these come
/// first.
final class NarrowMatrix {
  /// Numbers of a block; the columns are a multiple of it.
  static let block = 32
  /// From so many vectors on, a product of matrices is quicker, with some rows made floats again at
  /// a time.
  private static let fewestForMatrices = 4
  /// So many floats stay in a core's own cache.
  private static let roomOfThread = 48 << 10

  private let columns: Int
  private let numbers: UnsafeMutablePointer<UInt16>
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
    self.numbers = .allocate(capacity: rows * columns)
    let rowsAtOnce = max(1, Self.roomOfThread / columns)
    self.rowsAtOnce = rowsAtOnce
    rooms = (0..<threads).map { _ in Tensor(rowsAtOnce, columns) }
    KernelSet.best.narrow(numbers, rows * columns, self.numbers)
  }

  deinit { numbers.deallocate() }

  /// Rounds a vector to 16 bits and arranges it as `multiply` takes it.
  static func arrange(
    _ x: UnsafePointer<Float>, _ count: Int, into y: UnsafeMutablePointer<Float>
  ) {
    let half = block / 2
    for start in stride(from: 0, to: count, by: block) {
      for i in 0..<half {
        y[start + i] = BFloat16.number(of: BFloat16.bits(of: x[start + 2 * i]))
        y[start + half + i] = BFloat16.number(of: BFloat16.bits(of: x[start + 2 * i + 1]))
      }
    }
  }

  /// y = x w^T for some rows of w, or y += x w^T.
  /// - Parameters:
  ///   - rows: The rows.
  ///   - x: Vectors x columns, arranged.
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
          words(rows.lowerBound), rows.count, columns / Self.block, x + vector * columns,
          accumulates,
          y + vector * stride + rows.lowerBound)
      }
      return
    }
    let room = rooms[thread].pointer
    var first = rows.lowerBound
    while first < rows.upperBound {
      let count = min(rowsAtOnce, rows.upperBound - first)
      KernelSet.best.widen(words(first), count * columns / Self.block, room)
      BLAS.multiply(
        rows: vectors, columns: count, inner: columns, x, stride: columns, room, .transposed,
        stride: columns, beta: accumulates ? 1 : 0, into: y + first, stride: stride)
      first += count
    }
  }

  /// The numbers of a row, in their order.
  func row(_ number: Int) -> UnsafePointer<UInt16> {
    UnsafePointer(numbers + number * columns)
  }

  private func words(_ row: Int) -> UnsafePointer<UInt32> {
    UnsafeRawPointer(self.row(row)).assumingMemoryBound(to: UInt32.self)
  }
}
