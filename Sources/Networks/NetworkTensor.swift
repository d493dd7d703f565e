/// A layer's weights or biases in files: what they may be called, and their shape.
package struct NetworkTensor: Equatable, Sendable {
  /// The layer.
  package let layer: String
  /// The name in checkpoints, PyTorch's: `features.0.weight`.
  package let name: String
  /// The name after the layer, as Caffe has it: `conv1.weight`.
  package let layerName: String
  /// The lengths of the dimensions, PyTorch's order: kernels x maps x rows x columns, neurons x
  /// inputs, or biases.
  package let shape: [Int]
  /// Maps, rows and columns that a fully-connected layer's weights see; nil for other tensors.
  package let inputs: [Int]?
}

extension NetworkSpecification {
  /// Every tensor that the network learns, in the order of its layers.
  package var tensors: [NetworkTensor] {
    shapes(ofTower: 0).flatMap { shape -> [NetworkTensor] in
      guard let layer = shape.layer.weights else { return [] }
      let kernel = layer.kernel(over: shape.inputs)
      func tensor(_ part: String, _ shape: [Int], inputs: [Int]?) -> NetworkTensor {
        NetworkTensor(
          layer: layer.name, name: "\(layer.tensorName).\(part)",
          layerName: "\(layer.name).\(part)", shape: shape, inputs: inputs)
      }
      return [
        tensor(
          "weight", [layer.kernels] + kernel.canonical,
          inputs: kernel.isFlat ? [kernel.maps, kernel.height, kernel.width] : nil),
        tensor("bias", [layer.kernels], inputs: nil),
      ]
    }
  }
}
