import CProtobuf

/// A graph of a model as names and what makes each.
struct ONNXListing {
  /// What makes a value: a node, and which of its outputs the value is.
  typealias Source = (node: Onnx__Node, output: Int)

  /// The inputs that are not constants.
  let inputs: [String]
  /// The outputs.
  let outputs: [String]

  private var sources: [String: Source] = [:]
  private var constants: [String: Onnx__Tensor] = [:]

  init(
    _ nodes: [Onnx__Node], _ constants: [(name: String, tensor: Onnx__Tensor)], inputs: [String],
    outputs: [String]
  ) {
    self.inputs = inputs
    self.outputs = outputs
    for (name, tensor) in constants { self.constants[name] = tensor }
    for node in nodes {
      for (place, output) in texts(node.output, node.n_output).enumerated()
      where sources[output] == nil && self.constants[output] == nil {
        sources[output] = (node, place)
      }
    }
  }

  /// What makes a value; nil if it is a constant or an input.
  func source(_ name: String) -> Source? { sources[name] }

  /// A constant; nil if there is none with this name.
  func constant(_ name: String) -> Onnx__Tensor? { constants[name] }

  /// The value that a name stands for: what nodes pass on that change no number, or only its type
  /// among those of floating point, has an earlier name.
  func origin(of name: String) -> String {
    var name = name
    // A graph with a loop is damaged, and has no origin.
    for _ in 0...sources.count {
      guard let (node, _) = sources[name], node.n_input > 0 else { return name }
      let attributes = ONNXAttributes(list(node.attribute, node.n_attribute))
      switch text(node.op_type) {
      case "Identity": break
      case "Cast" where ONNXTensor.isFloatingPoint(attributes.int("to", 0)): break
      default: return name
      }
      name = text(node.input[0])
    }
    return name
  }
}
