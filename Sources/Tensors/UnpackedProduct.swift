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
    let rows: Int
    let columns: Int
    let inner: Int
    /// Where its parts of the factors and of the result begin.
    let starts: (a: Int, b: Int, c: Int)
    let bStride: Int
    let accumulates: Bool
    let kernel: libxsmm_smmfunction?
  }

  private let strides: (a: Int, c: Int)
  private let aIsTransposed: Bool
  private let blocks: [Block]

  /// Prepares products C <- A B of one shape, or C <- C + A B, with A `rows x inner`, B `inner x
  /// columns`; each `...Stride` is the distance in floats between what is contiguous: rows, or
  /// columns of A where that `aIsTransposed`.
  ///
  /// Where `bIsInBlocks`, B lies as `columnBlocks` cuts its columns, one block after the other, each
  /// row after row: what a block's product reads then lies side by side. B needs no stride.
  ///
  /// Where B is too large for a core's cache, `innerBlock` of its rows are taken after each other,
  /// and of those some columns, by which all rows of A are multiplied.
  package init(
    rows: Int, columns: Int, inner: Int, aIsTransposed: Bool = false, aStride: Int,
    bIsInBlocks: Bool = false, bStride: Int = 0, cStride: Int, accumulates: Bool = false,
    rowBlock: Int = block.rows,
    columnBlock: Int = block.columns, innerBlock: Int = .max
  ) {
    strides = (aStride, cStride)
    self.aIsTransposed = aIsTransposed
    // Whole vectors in each block but the last, and blocks of about equal size.
    let rowBlocks = Self.cut(rows, block: Self.isAvailable ? rowBlock : rows, multiple: 1)
    let columnBlocks =
      bIsInBlocks
      ? Self.columnBlocks(columns) : Self.cut(columns, block: columnBlock, multiple: 16)
    let flags = aIsTransposed ? LIBXSMM_GEMM_FLAG_TRANS_B : LIBXSMM_GEMM_FLAG_NONE
    var blocks: [Block] = []
    for inners in Self.cut(inner, block: innerBlock, multiple: 16) {
      for columns in columnBlocks {
        for rows in rowBlocks {
          let (row, column, start) = (rows.lowerBound, columns.lowerBound, inners.lowerBound)
          let ownStride = bIsInBlocks ? columns.count : bStride
          let adds = accumulates || start > 0
          blocks.append(
            Block(
              rows: rows.count, columns: columns.count, inner: inners.count,
              starts: (
                a: aIsTransposed ? start * aStride + row : row * aStride + start,
                b: bIsInBlocks ? column * inner + start * ownStride : start * bStride + column,
                c: row * cStride + column
              ),
              bStride: ownStride, accumulates: adds,
              kernel: !Self.isAvailable
                ? nil
                : Self.kernel(
                  columns: columns.count, rows: rows.count, inner: inners.count, ownStride,
                  aStride, cStride, accumulates: adds, flags)))
        }
      }
    }
    self.blocks = blocks
  }

  /// The blocks of columns of a matrix that lies in blocks.
  package static func columnBlocks(_ columns: Int) -> [Range<Int>] {
    cut(columns, block: block.columns, multiple: 16)
  }

  /// Multiplies two matrices.
  package func multiply(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, into c: UnsafeMutablePointer<Float>
  ) {
    for block in blocks {
      let (a, b) = (a + block.starts.a, b + block.starts.b)
      if let kernel = block.kernel {
        xsmm_run(kernel, b, a, c + block.starts.c)
      } else {
        BLAS.multiply(
          rows: block.rows, columns: block.columns, inner: block.inner, a,
          aIsTransposed ? .transposed : .plain, stride: strides.a, b, stride: block.bStride,
          beta: block.accumulates ? 1 : 0, into: c + block.starts.c, stride: strides.c)
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
    accumulates: Bool = false, _ flags: libxsmm_gemm_flags = LIBXSMM_GEMM_FLAG_NONE
  ) -> libxsmm_smmfunction? {
    var (first, second, result) = (Int32(bStride), Int32(aStride), Int32(cStride))
    var (alpha, beta): (Float, Float) = (1, accumulates ? 1 : 0)
    var flags = Int32(flags.rawValue)
    return libxsmm_smmdispatch(
      Int32(columns), Int32(rows), Int32(inner), &first, &second, &result, &alpha, &beta, &flags,
      nil)
  }
}
