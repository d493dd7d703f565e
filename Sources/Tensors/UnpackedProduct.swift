import CLIBXSMM

/// Matrix products that read their factors where they lie, by LIBXSMM.
///
/// OpenBLAS copies both factors into an order of its own before it multiplies (it *packs* them).
/// For the matrices of a convolution's points, a few hundred rows and columns, that takes up to a
/// third of the time. LIBXSMM writes machine code for one block's exact shape when it is first
/// asked for, and that code packs nothing.
///
/// Every element is one sum over `inner` in rising order, so a result does not depend on how the
/// rows are split into calls or threads.
package struct UnpackedProduct {
  /// Whether LIBXSMM has code for this processor; where it has none, OpenBLAS multiplies.
  package static let isAvailable: Bool = {
    libxsmm_init()
    return kernel(columns: 16, rows: 16, inner: 16, 16, 16, 16) != nil
  }()

  /// Writes code for another processor, `hsw`, from now on; this one must have its instructions.
  package static func limit(to name: String) {
    // Its start would choose again.
    libxsmm_init()
    libxsmm_set_target_arch(name)
  }

  /// The rows and columns of blocks whose factors fit into a core's cache together.
  package static let block = (rows: 48, columns: 64)

  /// A block of the product, and the code for its shape; nil where OpenBLAS multiplies.
  private struct Block {
    let rows: Range<Int>
    let columns: Range<Int>
    let inner: Range<Int>
    let kernel: libxsmm_smmfunction?
  }

  private let strides: (a: Int, b: Int, c: Int)
  private let blocks: [Block]

  /// Prepares products C <- A B of one shape, with A `rows x inner`, B `inner x columns`; rows are
  /// contiguous, and each `...Stride` is the distance between them in floats.
  ///
  /// Where B is too large for a core's cache, `innerBlock` of its rows are taken after each other,
  /// and of those some columns, by which all rows of A are multiplied.
  package init(
    rows: Int, columns: Int, inner: Int, aStride: Int, bStride: Int, cStride: Int,
    columnBlock: Int = block.columns, innerBlock: Int = .max
  ) {
    strides = (aStride, bStride, cStride)
    guard Self.isAvailable else {
      blocks = [Block(rows: 0..<rows, columns: 0..<columns, inner: 0..<inner, kernel: nil)]
      return
    }
    // Whole vectors in each block but the last, and blocks of about equal size.
    let ranges = Self.cut(rows, block: Self.block.rows, multiple: 1)
    let columns = Self.cut(columns, block: columnBlock, multiple: 16)
    blocks = Self.cut(inner, block: innerBlock, multiple: 16).flatMap { inner in
      columns.flatMap { columns in
        ranges.map { rows in
          Block(
            rows: rows, columns: columns, inner: inner,
            kernel: Self.kernel(
              columns: columns.count, rows: rows.count, inner: inner.count, bStride, aStride,
              cStride, accumulates: inner.lowerBound > 0))
        }
      }
    }
  }

  /// Multiplies two matrices.
  package func multiply(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, into c: UnsafeMutablePointer<Float>
  ) {
    for block in blocks {
      let (row, column, start) = (
        block.rows.lowerBound, block.columns.lowerBound, block.inner.lowerBound
      )
      let (a, b) = (a + row * strides.a + start, b + start * strides.b + column)
      let c = c + row * strides.c + column
      if let kernel = block.kernel {
        xsmm_run(kernel, b, a, c)
      } else {
        BLAS.multiply(
          rows: block.rows.count, columns: block.columns.count, inner: block.inner.count, a,
          stride: strides.a, b, stride: strides.b, beta: start > 0 ? 1 : 0, into: c,
          stride: strides.c)
      }
    }
  }

  /// Writes a matrix with its rows as columns; rows are contiguous.
  package static func transpose(
    rows: Int, columns: Int, _ a: UnsafePointer<Float>, stride: Int,
    into b: UnsafeMutablePointer<Float>, stride bStride: Int
  ) {
    libxsmm_otrans(
      b, a, UInt32(MemoryLayout<Float>.size), Int32(columns), Int32(rows), Int32(stride),
      Int32(bStride))
  }

  /// Cuts `0..<count` into blocks of about equal length.
  private static func cut(_ count: Int, block: Int, multiple: Int) -> [Range<Int>] {
    var (ranges, start): ([Range<Int>], Int) = ([], 0)
    while start < count {
      let left = count - start
      let blocks = left / block + (left % block > 0 ? 1 : 0)
      let even = (left + blocks - 1) / blocks
      let end = start + min(left, (even + multiple - 1) / multiple * multiple)
      ranges.append(start..<end)
      start = end
    }
    return ranges
  }

  /// LIBXSMM's matrices are columns of contiguous numbers: its first factor is B.
  private static func kernel(
    columns: Int, rows: Int, inner: Int, _ bStride: Int, _ aStride: Int, _ cStride: Int,
    accumulates: Bool = false
  ) -> libxsmm_smmfunction? {
    var (first, second, result) = (Int32(bStride), Int32(aStride), Int32(cStride))
    var (alpha, beta): (Float, Float) = (1, accumulates ? 1 : 0)
    var flags = Int32(LIBXSMM_GEMM_FLAG_NONE.rawValue)
    return libxsmm_smmdispatch(
      Int32(columns), Int32(rows), Int32(inner), &first, &second, &result, &alpha, &beta, &flags,
      nil)
  }
}
