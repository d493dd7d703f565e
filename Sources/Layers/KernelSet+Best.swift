import CScheduling
public import Kernels
import KernelsAVX2
import KernelsAVX512
import KernelsBase

extension KernelSet {
  /// The functions for the processor that the program runs on.
  public static let best: KernelSet =
    switch alexnet_instruction_set() {
    case 2: KernelsAVX512.kernels
    case 1: KernelsAVX2.kernels
    default: KernelsBase.kernels
    }
}
