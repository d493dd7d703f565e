import CProtobuf
import Protobuf
import System

/// An ONNX graph that is built node by node.
struct ONNXGraph {
  /// An attribute of a node.
  enum Attribute {
    case int(Int)
    case ints([Int])
    case float(Double)
  }

  /// The version of the operators: the oldest that has everything used here.
  static let operatorSet: Int64 = 17
  /// The version of the file format that belongs to it.
  static let formatVersion: Int64 = 8

  private let arena = MessageArena()
  private var nodes: [UnsafeMutablePointer<Onnx__Node>?] = []
  private var constants: [UnsafeMutablePointer<Onnx__Tensor>?] = []
  private var inputs: [UnsafeMutablePointer<Onnx__Value>?] = []
  private var outputs: [UnsafeMutablePointer<Onnx__Value>?] = []
  private var texts: [UnsafeMutablePointer<Onnx__Entry>?] = []
  /// The size of all constants in bytes.
  private(set) var byteCount = 0

  /// Adds a node and returns the name of its only output, which is the node's name.
  mutating func add(
    _ operation: String, _ inputs: [String], name: String, _ attributes: [(String, Attribute)] = []
  ) -> String {
    _ = add(operation, inputs, name: name, attributes, outputs: [name])
    return name
  }

  /// Adds a node with several outputs.
  mutating func add(
    _ operation: String, _ inputs: [String], name: String, _ attributes: [(String, Attribute)] = [],
    outputs: [String]
  ) -> [String] {
    let node: UnsafeMutablePointer<Onnx__Node> = arena.make { onnx__node__init($0) }
    node.pointee.op_type = arena.text(operation)
    node.pointee.name = arena.text(name)
    (node.pointee.n_input, node.pointee.input) = arena.list(inputs.map { arena.text($0) })
    (node.pointee.n_output, node.pointee.output) = arena.list(outputs.map { arena.text($0) })
    (node.pointee.n_attribute, node.pointee.attribute) = arena.list(
      attributes.map { attribute($0.0, $0.1) })
    nodes.append(node)
    return outputs
  }

  /// Adds a constant of 32-bit numbers and returns its name.
  mutating func constant(_ name: String, _ shape: [Int], _ values: [Float]) -> String {
    add(constant: name, shape, .float32, arena.bytes(values))
  }

  /// Adds a one-dimensional constant of integers and returns its name.
  mutating func constant(_ name: String, _ values: [Int]) -> String {
    add(constant: name, [values.count], .int64, arena.bytes(values.map { Int64($0) }))
  }

  private mutating func add(
    constant name: String, _ shape: [Int], _ type: ONNXElementType, _ bytes: ProtobufCBinaryData
  ) -> String {
    let tensor: UnsafeMutablePointer<Onnx__Tensor> = arena.make { onnx__tensor__init($0) }
    tensor.pointee.name = arena.text(name)
    (tensor.pointee.n_dims, tensor.pointee.dims) = arena.list(shape.map { Int64($0) })
    tensor.pointee.has_data_type = 1
    tensor.pointee.data_type = type.rawValue
    tensor.pointee.has_raw_data = 1
    tensor.pointee.raw_data = bytes
    byteCount += bytes.len
    constants.append(tensor)
    return name
  }

  /// Declares an input of the graph: the first dimension is the batch, of any length.
  mutating func input(_ name: String, ofBytes isBytes: Bool, _ shape: [Int]) -> String {
    inputs.append(value(name, isBytes ? .byte : .float32, shape))
    return name
  }

  /// Declares an output of the graph: the first dimension is the batch.
  mutating func output(_ name: String, _ shape: [Int]) {
    outputs.append(value(name, .float32, shape))
  }

  /// Adds a string to the model's metadata.
  mutating func note(_ key: String, _ value: String) {
    let entry: UnsafeMutablePointer<Onnx__Entry> = arena.make { onnx__entry__init($0) }
    entry.pointee.key = arena.text(key)
    entry.pointee.value = arena.text(value)
    texts.append(entry)
  }

  private func value(
    _ name: String, _ type: ONNXElementType, _ shape: [Int]
  ) -> UnsafeMutablePointer<Onnx__Value> {
    let dimensions = ([nil] + shape).map { length -> UnsafeMutablePointer<Onnx__Dimension>? in
      let dimension: UnsafeMutablePointer<Onnx__Dimension> = arena.make {
        onnx__dimension__init($0)
      }
      if let length {
        dimension.pointee.has_dim_value = 1
        dimension.pointee.dim_value = Int64(length)
      } else {
        dimension.pointee.dim_param = arena.text("batch")
      }
      return dimension
    }
    let tensor: UnsafeMutablePointer<Onnx__TensorType> = arena.make { onnx__tensor_type__init($0) }
    tensor.pointee.has_elem_type = 1
    tensor.pointee.elem_type = type.rawValue
    tensor.pointee.shape = arena.make { onnx__shape__init($0) }
    (tensor.pointee.shape.pointee.n_dim, tensor.pointee.shape.pointee.dim) = arena.list(dimensions)
    let value: UnsafeMutablePointer<Onnx__Value> = arena.make { onnx__value__init($0) }
    value.pointee.name = arena.text(name)
    value.pointee.type = arena.make { onnx__type__init($0) }
    value.pointee.type.pointee.tensor_type = tensor
    return value
  }

  private func attribute(
    _ name: String, _ value: Attribute
  ) -> UnsafeMutablePointer<Onnx__Attribute>? {
    let attribute: UnsafeMutablePointer<Onnx__Attribute> = arena.make {
      onnx__attribute__init($0)
    }
    attribute.pointee.name = arena.text(name)
    attribute.pointee.has_type = 1
    switch value {
    case .int(let number):
      attribute.pointee.type = ONNXAttributeType.int.rawValue
      attribute.pointee.has_i = 1
      attribute.pointee.i = Int64(number)
    case .ints(let numbers):
      attribute.pointee.type = ONNXAttributeType.ints.rawValue
      (attribute.pointee.n_ints, attribute.pointee.ints) = arena.list(numbers.map { Int64($0) })
    case .float(let number):
      attribute.pointee.type = ONNXAttributeType.float.rawValue
      attribute.pointee.has_f = 1
      attribute.pointee.f = Float(number)
    }
    return attribute
  }

  /// The graph for a comparison; it must not outlive this.
  var listing: ONNXListing {
    ONNXListing(
      nodes.compactMap { $0?.pointee },
      constants.compactMap { $0?.pointee }.map { (text($0.name), $0) },
      inputs: inputs.map { text($0?.pointee.name) }, outputs: outputs.map { text($0?.pointee.name) }
    )
  }

  /// Writes the graph as a model, into a file that does not have its name yet.
  /// - Throws: `Failure` (usage) if it is larger than a message can be, (cannotCreate, inputOutput)
  ///   if the file cannot be written.
  func file(_ path: String, name: String, description: String) throws(Failure) -> WholeFile {
    guard byteCount < largestMessage - 1 << 20 else {
      throw Failure(
        .usage,
        "The network \(quoted(name)) has \(byteCount >> 20) MiB of weights, but an ONNX file holds "
          + "2048 MiB at most; export it with --format safetensors.")
    }
    let graph: UnsafeMutablePointer<Onnx__Graph> = arena.make { onnx__graph__init($0) }
    graph.pointee.name = arena.text(name)
    (graph.pointee.n_node, graph.pointee.node) = arena.list(nodes)
    (graph.pointee.n_initializer, graph.pointee.initializer) = arena.list(constants)
    (graph.pointee.n_input, graph.pointee.input) = arena.list(inputs)
    (graph.pointee.n_output, graph.pointee.output) = arena.list(outputs)
    let operators: UnsafeMutablePointer<Onnx__OperatorSet> = arena.make {
      onnx__operator_set__init($0)
    }
    operators.pointee.domain = arena.text("")
    operators.pointee.has_version = 1
    operators.pointee.version = Self.operatorSet
    let model: UnsafeMutablePointer<Onnx__Model> = arena.make { onnx__model__init($0) }
    model.pointee.has_ir_version = 1
    model.pointee.ir_version = Self.formatVersion
    (model.pointee.n_opset_import, model.pointee.opset_import) = arena.list([operators])
    model.pointee.producer_name = arena.text("alexnet-train")
    model.pointee.doc_string = arena.text(description)
    (model.pointee.n_metadata_props, model.pointee.metadata_props) = arena.list(texts)
    model.pointee.graph = graph
    let file = try WholeFile(path)
    try file.write(model)
    return file
  }
}
