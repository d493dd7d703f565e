import System

extension LayerComparison {
  /// What precedes the first layer when pixels are scaled within the network, in the words of ONNX
  /// and Caffe.
  private static let scalings: Set<String> = [
    "Sub", "Div", "Mul", "Add", "Power", "Scale", "Bias", "BatchNormalization", "BatchNorm",
  ]
  /// What changes each map by a factor and a sum.
  private static let norms: Set<String> = ["BatchNormalization", "BatchNorm", "Scale"]
  /// What reads its weights like its data.
  private static let products: Set<String> = ["Conv", "Gemm", "MatMul"]

  /// What to do about layers that no preset has.
  ///
  /// A description in JSON helps with other settings or another order, but not with layers that no
  /// network here has.
  static func remedy(_ found: [FileLayer]) -> String {
    var isBeforeWeights = true
    for layer in found {
      let name = quoted(layer.name)
      let scalesPixels: Bool =
        switch layer.kind {
        // Less than any dropout keeps.
        case .scaling(let factor): factor < 0.1
        case .other(let type): scalings.contains(type)
        default: false
        }
      if isBeforeWeights, scalesPixels {
        return "Save the network without \(name), and give --mean, --scale and --deviation."
      }
      switch layer.kind {
      case .branch(let type, let reads) where products.contains(type) && reads.count > 1:
        return "The weights of \(name) are not in the file; save the network with them (PyTorch: "
          + "export_params=True)."
      case .branch(_, let reads) where !reads.isEmpty:
        return "Networks here are chains, in which \(name) would read the layer before it and "
          + "nothing else; use this one in the program that made it."
      case .other(let type) where norms.contains(type):
        return "Fold \(name) into the layer before it, and save the network again."
      // Modules of PyTorch's newer exporter, as functions in the file.
      case .other(let type) where type.hasPrefix("pkg."):
        return "\(name) calls a function of the model; write its nodes out first, in Python: "
          + "onnx.save(onnx.inliner.inline_local_functions(onnx.load(FILE)), 'inlined.onnx')."
      case .other(let type) where type.lowercased().hasSuffix("loss"):
        return "Networks here end in a softmax; if the file's does too, save it as its deploy "
          + ".prototxt describes it, without \(name)."
      case .branch, .other:
        return
          "No network here has a layer like \(name); save the network without it, or use it in "
          + "the program that made it."
      default: isBeforeWeights = isBeforeWeights && layer.weights == nil
      }
    }
    return "No preset has the file's layers; describe them in a JSON file for --network "
      + "(Docs/Architecture.md)."
  }
}
