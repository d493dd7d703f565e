import CProtobuf
import System

/// Follows an ONNX graph from the input on, as long as each node reads the output of the previous
/// one.
///
/// Nodes that only change the layout of numbers (Flatten, Reshape, Identity, Cast) are skipped. A
/// node that is not supported, or reads something else, becomes a layer of unknown kind, which no
/// network has; a layer whose numbers cannot be read says so.
struct ONNXChain {
  private typealias Node = Onnx__Node

  /// Constants with their names, in the order of the file.
  let constants: [(name: String, tensor: Onnx__Tensor)]
  /// The height and width of the input; empty if they are not fixed.
  let sides: [Int]

  /// The inputs that are no constants, and the outputs.
  let inputs: [String]
  let outputs: [String]
  /// Whether the input is bytes.
  let readsBytes: Bool

  /// The lengths of the input; 0 where one is not fixed, none if they are not given.
  private let shape: [Int]
  /// The version of the operators.
  private let version: Int

  private let nodes: [Node]
  private let input: String

  /// - Parameters:
  ///   - graph: The graph.
  ///   - version: The version of its operators.
  init(_ graph: Onnx__Graph, version: Int) {
    self.version = version
    nodes = list(graph.node, graph.n_node)
    var constants: [(name: String, tensor: Onnx__Tensor)] = []
    var names: Set<String> = []
    for tensor in list(graph.initializer, graph.n_initializer)
    where names.insert(text(tensor.name)).inserted {
      constants.append((text(tensor.name), tensor))
    }
    for node in nodes where text(node.op_type) == "Constant" {
      let name = text(node.output?[0])
      guard node.n_output > 0,
        let tensor = list(node.attribute, node.n_attribute).first(where: { $0.t != nil })?.t,
        names.insert(name).inserted
      else { continue }
      constants.append((name, tensor.pointee))
    }
    self.constants = constants
    let inputs = list(graph.input, graph.n_input).filter { !names.contains(text($0.name)) }
    input = text(inputs.first?.name)
    self.inputs = inputs.map { text($0.name) }
    outputs = list(graph.output, graph.n_output).map { text($0.name) }
    let element = inputs.first?.type?.pointee.tensor_type?.pointee.elem_type
    readsBytes = element == ONNXElementType.byte.rawValue
    var lengths: [Int64] = []
    if let shape = inputs.first?.type?.pointee.tensor_type?.pointee.shape?.pointee {
      lengths = list(shape.dim, min(shape.n_dim, 8)).map { $0.dim_value }
    }
    shape = lengths.map { (0...1 << 20).contains($0) ? Int($0) : 0 }
    // Images x 3 x rows x columns, or images x rows x columns x 3.
    let sides =
      lengths.count != 4
      ? [] : lengths[1] == 3 ? lengths[2...] : lengths[3] == 3 ? lengths[1...2] : []
    self.sides = sides.allSatisfy { (1...8192).contains($0) } ? sides.map { Int($0) } : []
  }

  /// The graph for a comparison; it must not outlive the message.
  var listing: ONNXListing { ONNXListing(nodes, constants, inputs: inputs, outputs: outputs) }

  /// The layers from the input to the softmax.
  /// - Parameters:
  ///   - readable: The floating-point constants, by name.
  ///   - unreadable: Why other constants cannot be read, by name.
  /// - Returns: The layers in order.
  func layers(
    readable: [String: WeightTensor], unreadable: [String: String]
  ) -> [FileLayer] {
    var walk = ONNXWalk(from: input, shape: shape, version: version)
    var known = ONNXConstants(constants, readable: readable, unreadable: unreadable)
    for node in nodes {
      let inputs = texts(node.input, node.n_input)
      let outputs = texts(node.output, node.n_output)
      let attributes = ONNXAttributes(list(node.attribute, node.n_attribute))
      let domain = text(node.domain)
      let operation =
        (domain.isEmpty || domain == "ai.onnx" ? "" : domain + ".") + text(node.op_type)
      if known.note(operation, inputs, outputs, attributes) { continue }
      walk.step(
        ONNXStep(
          operation: operation,
          name: text(node.name).isEmpty ? outputs.first ?? "" : text(node.name),
          inputs: inputs, outputs: outputs, attributes: attributes, constants: known))
    }
    return walk.finish()
  }
}
