import Kernels
import Layers
package import MPI
import System
import Tensors

/// Which instructions a run's arithmetic is made of.
///
/// Processors of different kinds round sums differently: their vectors have different lengths, and
/// OpenBLAS cuts matrices into other blocks for each. A set that all ranks have makes them equal.
package enum InstructionSet: String, CaseIterable, Sendable {
  /// The best that each rank's processor has.
  case own
  /// The best that the processors of all ranks have.
  case common
  case avx512 = "AVX-512"
  case avx2 = "AVX2"
  case baseline

  /// Those that there are, the plainest first, as OpenBLAS and LIBXSMM call them.
  private static let levels: [(set: InstructionSet, openBLAS: String, libxsmm: String)] = [
    (.baseline, "Nehalem", "wsm"), (.avx2, "Haswell", "hsw"), (.avx512, "SkylakeX", "skx"),
  ]

  /// Takes it in all libraries, before anything has been computed; all ranks call this together.
  /// - Throws: `Failure` (usage) if a rank's processor does not have it, or OpenBLAS cannot be told.
  package func take(over world: Communicator) throws {
    if self == .own { return }
    #if !arch(x86_64)
      throw Failure(.usage, "--instruction-set is for x86 processors; leave it out here.")
    #endif
    let own = Self.levels.firstIndex { $0.set.rawValue == KernelSet.wanted.name } ?? 0
    let all = try world.allGather("\(own)").compactMap { Int($0) }
    let level = Self.levels.firstIndex { $0.set == self } ?? all.min() ?? 0
    let chosen = Self.levels[level]
    if let rank = all.firstIndex(where: { $0 < level }) {
      let host = try world.allGather(Machine.hostName)[rank]
      throw Failure(
        .usage,
        "The processor of rank \(rank) (\(host)) has no \(rawValue); choose --instruction-set "
          + "\(Self.levels[all[rank]].set.rawValue), or common.")
    }
    KernelSet.limit(to: chosen.set.rawValue)
    UnpackedProduct.limit(to: chosen.libxsmm)
    guard BLAS.limit(to: chosen.openBLAS) else {
      throw Failure(
        .usage,
        "This OpenBLAS cannot be told which processor to compute for once it has started; leave "
          + "--instruction-set out and start with 'mpirun -x OPENBLAS_CORETYPE=\(chosen.openBLAS) "
          + "-x ALEXNET_KERNELS=\(chosen.set.rawValue) ...'.")
    }
  }

  /// What this rank computes with: the processor that OpenBLAS computes for, and the instruction set
  /// of our inner loops; tiles round sums of bfloat16 differently from vectors.
  static var current: String {
    let hasTiles =
      KernelSet.best.name == InstructionSet.avx512.rawValue && NarrowProduct.unit == .tiles
    return "\(BLAS.coreName), \(KernelSet.best.name)\(hasTiles ? " and AMX" : "")"
  }
}
