public import AlexNet
public import Failures
import Layers
import ModelParallel

/// A layer's weights or biases in files: what they may be called, and their shape.
public struct NetworkTensor: Equatable, Sendable {
  /// The layer.
  public let layer: String
  /// The name in checkpoints, PyTorch's: `features.0.weight`.
  public let name: String
  /// The name after the layer, as Caffe has it: `conv1.weight`.
  public let layerName: String
  /// The lengths of the dimensions, PyTorch's order: kernels x maps x rows x columns, neurons x inputs, or biases.
  public let shape: [Int]
}

extension NetworkSpecification {
  /// Every tensor that the network learns, in the order of its layers.
  public var tensors: [NetworkTensor] {
    shapes(ofTower: 0).flatMap { shape -> [NetworkTensor] in
      func pair(_ tensor: String?, _ name: String, _ weight: [Int]) -> [NetworkTensor] {
        [("weight", weight), ("bias", [weight[0]])].map { part, shape in
          NetworkTensor(
            layer: name, name: "\(tensor ?? name).\(part)", layerName: "\(name).\(part)",
            shape: shape)
        }
      }
      switch shape.layer {
      case .convolution(let layer):
        let maps = shape.inputs.reduce(0) { $0 + $1.maps } / layer.groups
        return pair(
          layer.tensor, layer.name, [layer.kernels, maps, layer.window.size, layer.window.size])
      case .fullyConnected(let layer):
        return pair(
          layer.tensor, layer.name, [layer.kernels, shape.inputs.reduce(0) { $0 + $1.count }])
      default: return []
      }
    }
  }
}

/// The tensors of a network in a file of any format: which of the file's is which of the network's.
public struct NetworkWeights {
  /// The file.
  public let source: any WeightSource

  /// Looks for a network's weights in a file.
  public init(_ source: any WeightSource) { self.source = source }

  /// The file's tensor that holds one of the network's; nil where there is none.
  ///
  /// It may have PyTorch's name, the layer's, or PyTorch's after `module.`, as `DataParallel` saves it.
  public func find(_ tensor: NetworkTensor) -> WeightTensor? {
    for name in [tensor.name, tensor.layerName, "module." + tensor.name] {
      if let found = source.tensors.first(where: { $0.name == name }) { return found }
    }
    return nil
  }

  /// Reads one of the network's tensors.
  /// - Parameters:
  ///   - tensor: The tensor.
  ///   - rows: How many kernels the file has of it, where that is another number than the network's.
  /// - Returns: Its numbers.
  /// - Throws: `Failure` (badData) where it is missing or of another shape.
  public func read(_ tensor: NetworkTensor, rows: Int? = nil) throws(Failure) -> [Float] {
    let shape = [rows ?? tensor.shape[0]] + tensor.shape.dropFirst()
    guard let found = find(tensor) else {
      throw Failure(
        .badData,
        "\(quoted(source.path)) holds no tensor \(quoted(tensor.name)) or \(quoted(tensor.layerName)) for layer "
          + "\(quoted(tensor.layer)); it holds \(Self.listed(source.tensors.map(\.name))).")
    }
    // Caffe's older files put ones in front.
    guard found.shape.drop(while: { $0 == 1 }) == shape.drop(while: { $0 == 1 }) else {
      throw Failure(
        .badData,
        "\(quoted(found.name)) in \(quoted(source.path)) has the shape \(found.shape), and layer "
          + "\(quoted(tensor.layer)) needs \(shape).")
    }
    return try source.read(found)
  }

  /// The file's tensors that the network has no use for.
  public func unused(by network: NetworkSpecification) -> [String] {
    let used = Set(network.tensors.compactMap { find($0)?.name })
    return source.tensors.map(\.name).filter { !used.contains($0) }
  }

  static func listed(_ names: [String]) -> String {
    let shown = names.prefix(8).map { quoted($0) }.joined(separator: ", ")
    return names.isEmpty ? "none" : shown + (names.count > 8 ? " and \(names.count - 8) more" : "")
  }
}
