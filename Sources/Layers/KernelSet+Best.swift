import CScheduling
public import Kernels
import KernelsAVX2
import KernelsAVX512
import KernelsBase

extension KernelSet {
  /// Those that this processor can run, the plainest first.
  public static let available: [KernelSet] =
    Array(
      [KernelsBase.kernels, KernelsAVX2.kernels, KernelsAVX512.kernels]
        .prefix(1 + Int(alexnet_instruction_set())))

  /// The functions for the processor that the program runs on.
  public static let best = available[available.count - 1]
}
