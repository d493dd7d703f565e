package import Layers
import Networks
package import Tensors

extension Parameter {
  /// Weights for a layer's test, with room for gradients and NaN in it: what is overwritten shows.
  /// - Parameters:
  ///   - kernels: Kernels.
  ///   - size: The kernels' height and width.
  ///   - sliceMaps: The maps of each slice (of each group).
  ///   - isFlat: Whether the layer is fully connected.
  ///   - values: The numbers in canonical order.
  ///   - isTrained: Whether there is room for gradients.
  /// - Returns: The weights, not yet those of any layer.
  package static func weights(
    kernels: Int, size: (height: Int, width: Int), sliceMaps: [Int], isFlat: Bool = false,
    values: [Float], isTrained: Bool = true
  ) -> Parameter {
    make(
      "weight", .weight,
      ParameterLayout(
        kernels: kernels,
        of: WeightShape(
          height: size.height, width: size.width, sliceMaps: sliceMaps,
          isFlat: isFlat)), values, isTrained: isTrained)
  }

  /// Biases for a layer's test.
  package static func biases(_ values: [Float]) -> Parameter {
    make("bias", .bias, .biases(kernels: values.count), values)
  }

  private static func make(
    _ name: String, _ role: Role, _ layout: ParameterLayout, _ values: [Float],
    isTrained: Bool = true
  ) -> Parameter {
    precondition(values.count == layout.count, "\(layout.count) values are needed.")
    let parameter = Parameter(
      name: name, role: role, kernels: 0..<layout.kernels, kernelCount: layout.kernels,
      layout: layout, initialDeviation: 0, initialMean: 0, isTrained: isTrained)
    values.withUnsafeBufferPointer { values in
      guard let start = values.baseAddress else { return }
      for kernel in 0..<layout.kernels {
        layout.setKernel(kernel, of: parameter.value, from: start + kernel * layout.kernelLength)
      }
    }
    parameter.noteChange()
    parameter.gradient.fill(.nan)
    return parameter
  }

  /// The numbers of one of the parameter's tensors in canonical order, kernel after kernel.
  package func canonical(_ tensor: Tensor) -> [Float] {
    let kernel = Tensor(layout.kernelLength)
    var result: [Float] = []
    result.reserveCapacity(layout.count)
    for number in 0..<layout.kernels {
      layout.getKernel(number, of: tensor, into: kernel.pointer)
      result.append(contentsOf: kernel.elements)
    }
    return result
  }
}
