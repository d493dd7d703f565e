import CProtobuf

/// Goes through an ONNX graph from the pictures on, as long as each node reads what the one before it makes.
///
/// What only changes how numbers lie (Flatten, Reshape, Identity, Cast) is left out. A node that is not understood, or reads
/// something else, becomes a layer of no known kind, which no network has.
struct ONNXChain {
  private typealias Node = Onnx__Node

  /// Constants by their names, in the order of the file.
  let constants: [(name: String, tensor: Onnx__Tensor)]
  /// The height and width of the input, where they are numbers and the same.
  let side: Int?

  private let nodes: [Node]
  private let input: String
  /// The first name of a constant that a node passes on.
  private var aliases: [String: String] = [:]

  init(_ graph: Onnx__Graph) {
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
    var lengths: [Int64] = []
    if let shape = inputs.first?.type?.pointee.tensor_type?.pointee.shape?.pointee {
      lengths = list(shape.dim, min(shape.n_dim, 8)).map { $0.dim_value }
    }
    // Images x 3 x rows x columns, or images x rows x columns x 3.
    let sides =
      lengths.count != 4
      ? [] : lengths[1] == 3 ? lengths[2...] : lengths[3] == 3 ? lengths[1...2] : []
    side =
      sides.count == 2 && sides.first == sides.last && (1...8192).contains(sides.first ?? 0)
      ? Int(sides.first ?? 0) : nil
  }

  /// The layers from the input to the softmax.
  /// - Parameter tensor: Finds a constant of floating-point numbers.
  /// - Returns: The layers in their order.
  mutating func layers(_ tensor: @escaping (String) -> WeightTensor?) -> [FileLayer] {
    var walk = ONNXWalk(from: input)
    let integers = Dictionary(
      constants.map { ($0.name, ONNXTensor.integers($0.tensor)) }, uniquingKeysWith: { $1 })
    let scalars = Dictionary(
      constants.map { ($0.name, Self.scalar($0.tensor)) }, uniquingKeysWith: { $1 })
    let known = Set(constants.map(\.name))
    /// What depends on constants and shapes alone.
    var fixed = known
    for node in nodes {
      let inputs = texts(node.input, node.n_input)
      let outputs = texts(node.output, node.n_output)
      let operation = text(node.op_type)
      if operation == "Shape" || inputs.allSatisfy({ fixed.contains($0) || $0.isEmpty }) {
        if operation == "Identity" || operation == "Cast", let from = inputs.first,
          let to = outputs.first
        {
          aliases[to] = aliases[from] ?? from
        }
        fixed.formUnion(outputs)
        continue
      }
      let names = inputs.map { aliases[$0] ?? $0 }
      walk.step(
        ONNXStep(
          operation: text(node.domain).isEmpty || text(node.domain) == "ai.onnx"
            ? operation : "\(text(node.domain)).\(operation)",
          name: text(node.name).isEmpty ? outputs.first ?? "" : text(node.name), inputs: names,
          outputs: outputs, attributes: ONNXAttributes(list(node.attribute, node.n_attribute)),
          isFixed: { fixed.contains($0) }, tensor: tensor, integers: { integers[$0] ?? nil },
          scalar: { scalars[$0] ?? nil }))
    }
    return walk.layers
  }

  /// The number of a constant of one number.
  private static func scalar(_ tensor: Onnx__Tensor) -> Double? {
    guard let constant = try? ONNXTensor(tensor, "", ""), constant.problem == nil,
      tensor.data_location != 1, constant.shape.allSatisfy({ $0 == 1 })
    else { return nil }
    return (try? constant.values(beside: ""))?.first.map { Double($0) }
  }
}
