import CScheduling
import Glibc
package import Kernels
import KernelsBase

#if arch(x86_64)
  import KernelsAVX2
  import KernelsAVX512
#endif

extension KernelSet {
  /// Those that this processor can run, the plainest first.
  package static let available: [KernelSet] = {
    // Making a table is code of its instruction set already, so those that the processor does not
    // have are not made.
    #if arch(x86_64)
      let all = [
        { KernelsBase.kernels }, { KernelsAVX2.kernels }, { KernelsAVX512.kernels },
      ]
    #else
      let all = [{ KernelsBase.kernels }]
    #endif
    return all.prefix(1 + Int(alexnet_instruction_set())).map { $0() }
  }()

  /// The functions for the processor that the program runs on.
  package static let best = wanted

  /// The same before anything is computed, when it may still be limited.
  ///
  /// The environment variable `ALEXNET_KERNELS` takes older ones, `baseline` or `AVX2`, to compare
  /// them.
  package static var wanted: KernelSet {
    let wanted = getenv(variable).map { String(cString: $0) }
    return available.last { $0.name == wanted } ?? available[available.count - 1]
  }

  /// Takes the functions of an older instruction set, before anything has been computed.
  package static func limit(to name: String) { setenv(variable, name, 1) }

  private static let variable = "ALEXNET_KERNELS"
}
