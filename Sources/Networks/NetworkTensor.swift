/// A layer's weights or biases in files: what they may be called, and their shape.
package struct NetworkTensor: Equatable, Sendable {
  /// The layer.
  package let layer: String
  /// The name in checkpoints, PyTorch's: `features.0.weight`.
  package let name: String
  /// The name after the layer, as Caffe has it: `conv1.weight`.
  package let layerName: String
  /// The lengths of the dimensions, PyTorch's order: kernels x maps x rows x columns, neurons x inputs, or biases.
  package let shape: [Int]
  /// Maps, rows and columns that a fully-connected layer's weights see; nil for other tensors.
  package let inputs: [Int]?
}

extension NetworkSpecification {
  /// Every tensor that the network learns, in the order of its layers.
  package var tensors: [NetworkTensor] {
    shapes(ofTower: 0).flatMap { shape -> [NetworkTensor] in
      func pair(
        _ tensor: String?, _ name: String, _ weight: [Int], inputs: [Int]? = nil
      ) -> [NetworkTensor] {
        [("weight", weight, inputs), ("bias", [weight[0]], nil)].map { part, shape, inputs in
          NetworkTensor(
            layer: name, name: "\(tensor ?? name).\(part)", layerName: "\(name).\(part)",
            shape: shape, inputs: inputs)
        }
      }
      switch shape.layer {
      case .convolution(let layer):
        let maps = shape.inputs.reduce(0) { $0 + $1.maps } / layer.groups
        return pair(
          layer.tensor, layer.name, [layer.kernels, maps, layer.window.size, layer.window.size])
      case .fullyConnected(let layer):
        let input = shape.inputs[0]
        return pair(
          layer.tensor, layer.name, [layer.kernels, shape.inputs.reduce(0) { $0 + $1.count }],
          inputs: [shape.inputs.reduce(0) { $0 + $1.maps }, input.height, input.width])
      default: return []
      }
    }
  }
}
