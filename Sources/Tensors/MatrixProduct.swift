import CLIBXSMM
import COpenBLAS
import Glibc

/// Whether a factor is used as it lies in memory or transposed.
package enum Orientation: Sendable {
  /// As it lies in memory.
  case plain
  /// Rows and columns exchanged.
  case transposed

  fileprivate var cblas: CBLAS_TRANSPOSE { self == .plain ? CblasNoTrans : CblasTrans }
}

/// Matrix products by OpenBLAS, on matrices whose rows are contiguous.
///
/// One product runs in the calling thread alone: the layers put several products side by side
/// instead.
package enum BLAS {
  /// Sets OpenBLAS to one thread a call, and to better kernels where it does not know the processor,
  /// before the first product.
  package static func prepare() { prepared }

  private static let prepared: Void = {
    openblas_set_num_threads(1)
    // Whoever sets the variable has chosen.
    guard getenv("OPENBLAS_CORETYPE") == nil else { return }
    libxsmm_init()
    if let better = kernels(insteadOf: chosenName, for: libxsmm_get_target_archid()) {
      _ = limit(to: better)
    }
  }()

  /// The kernels to take in the place of those that OpenBLAS chose.
  ///
  /// For a processor that came after it, OpenBLAS 0.3.21 takes those of the oldest it has, `Prescott`:
  /// their products take four times as long and more.
  /// - Parameters:
  ///   - core: OpenBLAS's choice.
  ///   - processor: What LIBXSMM finds, of `LIBXSMM_X86_...`: it asks for instructions, not for models.
  /// - Returns: Nil where OpenBLAS chose well.
  package static func kernels(insteadOf core: String, for processor: Int32) -> String? {
    // Those without AVX2 that it falls back to; a later OpenBLAS may have others that are better.
    let old = [
      "Prescott", "Core2", "Penryn", "Nehalem", "Sandybridge", "Barcelona", "Bulldozer",
      "Piledriver", "Steamroller",
    ]
    guard old.contains(core) else { return nil }
    return switch processor {
    case LIBXSMM_X86_AVX512_CORE...LIBXSMM_X86_ALLFEAT: "SkylakeX"
    case LIBXSMM_X86_AVX2...LIBXSMM_X86_AVX512_KNM: "Haswell"
    default: nil
    }
  }

  /// The name of the kernels that OpenBLAS computes with, `Zen` or `SkylakeX`.
  package static var coreName: String {
    prepare()
    return chosenName
  }

  private static var chosenName: String {
    openblas_get_corename().map { String(cString: $0) } ?? "unknown"
  }

  /// Takes the kernels for another processor, before the first product.
  /// - Parameter name: The processor, `Haswell`; this one must have its instructions.
  /// - Returns: Whether the library has them and could be told.
  package static func limit(to name: String) -> Bool {
    setenv("OPENBLAS_CORETYPE", name, 1)
    return alexnet_choose_kernels_again() != 0 && chosenName == name
  }

  /// The library's name and version, `OpenBLAS 0.3.21`.
  package static var libraryVersion: String {
    guard let text = openblas_get_config() else { return "OpenBLAS" }
    return String(cString: text).split(separator: " ").prefix(2).joined(separator: " ")
  }

  /// The sum of the products of two vectors' elements.
  ///
  /// The corresponding C function is `cblas_sdot`.
  package static func dot(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, count: Int
  ) -> Float {
    cblas_sdot(blasint(count), a, 1, b, 1)
  }

  /// C <- op(A) op(B) + beta C, with op(A) `rows x inner`, op(B) `inner x columns`.
  ///
  /// Each `...Stride` is the distance in floats between the rows of a matrix as it lies in memory.
  /// With `beta` 0, C need not hold numbers. The corresponding C function is `cblas_sgemm`.
  @inline(__always)
  package static func multiply(
    rows: Int, columns: Int, inner: Int,
    _ a: UnsafePointer<Float>, _ aOrientation: Orientation = .plain, stride aStride: Int,
    _ b: UnsafePointer<Float>, _ bOrientation: Orientation = .plain, stride bStride: Int,
    beta: Float = 0,
    into c: UnsafeMutablePointer<Float>, stride cStride: Int
  ) {
    cblas_sgemm(
      CblasRowMajor, aOrientation.cblas, bOrientation.cblas,
      blasint(rows), blasint(columns), blasint(inner),
      1, a, blasint(aStride), b, blasint(bStride), beta, c, blasint(cStride))
  }
}
