package import Networks
package import Tensors

/// The order of a tower's weights in memory, and how it maps to the canonical one.
///
/// In memory: slice x kernel x height x width x map, so that a kernel meets a patch of height x
/// width x maps as it lies in the input, and each slice of the input has its own matrix. Canonical
/// (PyTorch): kernel x map x height x width with the maps of all slices in a row.
package struct ParameterLayout: Equatable, Sendable {
  /// The tower's kernels.
  package let kernels: Int
  /// One of them.
  package let kernel: WeightShape

  /// Makes a layout.
  package init(kernels: Int, of kernel: WeightShape) {
    self.kernels = kernels
    self.kernel = kernel
  }

  /// The layout of one bias a kernel.
  package static func biases(kernels: Int) -> ParameterLayout {
    ParameterLayout(
      kernels: kernels, of: WeightShape(height: 1, width: 1, sliceMaps: [1], isFlat: true))
  }

  /// Weights of one kernel.
  package var kernelLength: Int { kernel.length }
  /// Weights of all the tower's kernels.
  package var count: Int { kernels * kernelLength }
  /// The lengths of the canonical dimensions after the first.
  package var canonicalKernelShape: [Int] { kernel.canonical }

  /// Weights of one kernel in a slice.
  package func sliceKernelLength(_ slice: Int) -> Int {
    kernel.height * kernel.width * kernel.sliceMaps[slice]
  }

  /// Where a slice's matrix of kernels x weights begins.
  package func sliceOffset(_ slice: Int) -> Int {
    kernels * kernel.height * kernel.width * kernel.sliceMaps[..<slice].reduce(0, +)
  }

  /// Writes a kernel in canonical order to `destination`, which has room for `kernelLength`
  /// numbers.
  package func getKernel(
    _ kernel: Int, of tensor: Tensor, into destination: UnsafeMutablePointer<Float>
  ) {
    forEachElement(of: kernel) { destination[$1] = tensor.pointer[$0] }
  }

  /// Sets a kernel from `kernelLength` numbers in canonical order.
  package func setKernel(_ kernel: Int, of tensor: Tensor, from source: UnsafePointer<Float>) {
    forEachElement(of: kernel) { tensor.pointer[$0] = source[$1] }
  }

  @inline(__always)
  private func forEachElement(of number: Int, _ body: (_ stored: Int, _ canonical: Int) -> Void) {
    let area = kernel.height * kernel.width
    var firstMap = 0
    for (slice, maps) in kernel.sliceMaps.enumerated() {
      let base = sliceOffset(slice) + number * area * maps
      for pixel in 0..<area {
        for map in 0..<maps {
          body(base + pixel * maps + map, (firstMap + map) * area + pixel)
        }
      }
      firstMap += maps
    }
  }
}
