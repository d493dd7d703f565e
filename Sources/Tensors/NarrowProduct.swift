import CLIBXSMM
import CTiles

/// A product of matrices of bfloat16 numbers that is added up in floats: C <- A B, or C <- C + A B,
/// with A `rows x inner`, B `inner x columns` and C `rows x columns`.
///
/// A's rows are contiguous. B lies in pairs of rows, as processors multiply them: rows 2p and
/// 2p + 1 are one row of 32-bit words, the number of row 2p in a word's lower half. So `inner` is
/// even; `evenInner` says what to fill up to, with zeros.
package struct NarrowProduct {
  /// What multiplies.
  package enum Unit: CaseIterable, Sendable {
    /// Tiles (AMX, on Intel's processors since 2023), by code of our own.
    case tiles
    /// Vectors (AVX512_BF16), by code that LIBXSMM writes.
    case vectors

    /// Whether the processor has it, and no `--instruction-set` forbids it.
    package var isAvailable: Bool {
      switch self {
      case .tiles: Self.vectors.isAvailable && Self.hasTiles
      case .vectors: Self.hasVectors
      }
    }

    private static let hasTiles = tiles_are_available()
    private static let hasVectors: Bool = {
      libxsmm_init()
      return libxsmm_get_target_archid() >= LIBXSMM_X86_AVX512_CPX
        && kernel(rows: 2, columns: 16, inner: 2, 2, 16, 16, accumulates: false) != nil
    }()
  }

  /// The faster of those that the processor has; nil where it has none.
  package static let unit = Unit.allCases.first(where: \.isAvailable)

  /// Whether the processor multiplies bfloat16 numbers.
  package static var isAvailable: Bool { unit != nil }

  private let shape: (rows: Int, columns: Int, inner: Int)
  private let strides: (a: Int, b: Int, c: Int)
  private let accumulates: Bool
  /// LIBXSMM's code; nil where tiles multiply.
  private let kernel: libxsmm_bsmmfunction?

  /// Prepares products of one shape; strides are in numbers of A (16 bits), words of B (32 bits) and
  /// floats of C.
  package init(
    rows: Int, columns: Int, inner: Int, aStride: Int, bStride: Int, cStride: Int,
    accumulates: Bool, by unit: Unit? = unit
  ) {
    precondition(inner.isMultiple(of: 2), "B lies in pairs of rows.")
    shape = (rows, columns, inner)
    strides = (aStride, bStride, cStride)
    self.accumulates = accumulates
    guard unit != .tiles else {
      kernel = nil
      return
    }
    guard
      let kernel = Self.kernel(
        rows: rows, columns: columns, inner: inner, aStride, bStride, cStride,
        accumulates: accumulates)
    else { preconditionFailure("LIBXSMM has no product of bfloat16 for this processor.") }
    self.kernel = kernel
  }

  /// The length that sums are filled up to with zeros.
  package static func evenInner(_ inner: Int) -> Int { inner + inner % 2 }

  /// Multiplies two matrices.
  package func multiply(
    _ a: UnsafePointer<UInt16>, _ b: UnsafePointer<UInt32>, into c: UnsafeMutablePointer<Float>
  ) {
    guard let kernel else {
      return tiles_multiply(
        shape.rows, shape.columns, shape.inner, a, strides.a, b, strides.b, c, strides.c,
        accumulates)
    }
    b.withMemoryRebound(to: UInt16.self, capacity: 2) { xsmm_run_bf16(kernel, $0, a, c) }
  }

  /// LIBXSMM's matrices are columns of contiguous numbers: its first factor is B.
  fileprivate static func kernel(
    rows: Int, columns: Int, inner: Int, _ aStride: Int, _ bStride: Int, _ cStride: Int,
    accumulates: Bool
  ) -> libxsmm_bsmmfunction? {
    var (first, second, result) = (Int32(bStride), Int32(aStride), Int32(cStride))
    var (alpha, beta): (Float, Float) = (1, accumulates ? 1 : 0)
    return libxsmm_bsmmdispatch(
      Int32(columns), Int32(rows), Int32(inner), &first, &second, &result, &alpha, &beta, nil, nil)
  }
}
