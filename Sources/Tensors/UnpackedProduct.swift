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
package enum UnpackedProduct {
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

  /// Blocks whose factors fit into a core's cache together.
  private static let block = (rows: 48, columns: 64)

  /// C <- A B, with A `rows x inner`, B `inner x columns`; rows are contiguous, and each
  /// `...Stride` is the distance between them in floats.
  package static func multiply(
    rows: Int, columns: Int, inner: Int,
    _ a: UnsafePointer<Float>, stride aStride: Int,
    _ b: UnsafePointer<Float>, stride bStride: Int,
    into c: UnsafeMutablePointer<Float>, stride cStride: Int
  ) {
    guard isAvailable else {
      return BLAS.multiply(
        rows: rows, columns: columns, inner: inner, a, stride: aStride, b, stride: bStride,
        into: c, stride: cStride)
    }
    var column = 0
    while column < columns {
      // Whole vectors in each block but the last, and blocks of about equal size.
      let width = share(of: columns - column, block: block.columns, multiple: 16)
      var row = 0
      while row < rows {
        let height = share(of: rows - row, block: block.rows, multiple: 1)
        guard
          let kernel = kernel(
            columns: width, rows: height, inner: inner, bStride, aStride, cStride)
        else {
          BLAS.multiply(
            rows: height, columns: width, inner: inner, a + row * aStride, stride: aStride,
            b + column, stride: bStride, into: c + row * cStride + column, stride: cStride)
          row += height
          continue
        }
        xsmm_run(kernel, b + column, a + row * aStride, c + row * cStride + column)
        row += height
      }
      column += width
    }
  }

  /// The length of the next block where `count` are left.
  private static func share(of count: Int, block: Int, multiple: Int) -> Int {
    let blocks = (count + block - 1) / block
    let even = (count + blocks - 1) / blocks
    return min(count, (even + multiple - 1) / multiple * multiple)
  }

  /// LIBXSMM's matrices are columns of contiguous numbers: its first factor is B.
  private static func kernel(
    columns: Int, rows: Int, inner: Int, _ bStride: Int, _ aStride: Int, _ cStride: Int
  ) -> libxsmm_smmfunction? {
    var (first, second, result) = (Int32(bStride), Int32(aStride), Int32(cStride))
    var (alpha, beta): (Float, Float) = (1, 0)
    var flags = Int32(LIBXSMM_GEMM_FLAG_NONE.rawValue)
    return libxsmm_smmdispatch(
      Int32(columns), Int32(rows), Int32(inner), &first, &second, &result, &alpha, &beta, &flags,
      nil)
  }
}
