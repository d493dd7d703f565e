import TestSupport

extension ONNXModelTests {
  /// A graph while it is written.
  struct Graph {
    var nodes: [[UInt8]] = []
    var constants: [[UInt8]] = []
    var input = [1, 3, 8, 8]

    mutating func node(
      _ operation: String, _ inputs: [String], _ output: String, _ ints: [String: [Int]] = [:],
      int: [String: Int] = [:], float: [String: Float] = [:], text: [String: String] = [:],
      at place: Int? = nil
    ) {
      var node = ProtobufWire()
      for name in inputs { node.add(1, name) }
      node.add(2, output)
      node.add(3, "node-" + output)
      node.add(4, operation)
      func add(_ name: String, type: Int, _ value: (inout ProtobufWire) -> Void) {
        var attribute = ProtobufWire()
        attribute.add(1, name)
        value(&attribute)
        attribute.add(20, type)
        node.add(5, attribute.bytes)
      }
      for (name, values) in ints {
        add(name, type: 7) { for value in values { $0.add(8, value) } }
      }
      for (name, value) in int { add(name, type: 2) { $0.add(3, value) } }
      for (name, value) in float { add(name, type: 1) { $0.add(2, [value], isPacked: false) } }
      for (name, value) in text { add(name, type: 3) { $0.add(4, value) } }
      nodes.insert(node.bytes, at: place ?? nodes.count)
    }

    mutating func integers(_ name: String, _ values: [Int]) {
      var tensor = ProtobufWire()
      tensor.add(1, values.count)
      tensor.add(2, 7)
      for value in values { tensor.add(7, value) }
      tensor.add(8, name)
      constants.append(tensor.bytes)
    }

    mutating func constant(
      _ name: String, _ shape: [Int], _ values: [Float], type: Int = 1
    ) {
      var tensor = ProtobufWire()
      for length in shape { tensor.add(1, length) }
      tensor.add(2, type)
      tensor.add(4, values)
      tensor.add(8, name)
      constants.append(tensor.bytes)
    }

    var bytes: [UInt8] {
      var shape = ProtobufWire()
      for length in input {
        var dimension = ProtobufWire()
        dimension.add(1, length)
        shape.add(1, dimension.bytes)
      }
      var (tensor, type, value) = (ProtobufWire(), ProtobufWire(), ProtobufWire())
      tensor.add(1, 1)
      tensor.add(2, shape.bytes)
      type.add(1, tensor.bytes)
      value.add(1, "x")
      value.add(2, type.bytes)
      var (graph, model) = (ProtobufWire(), ProtobufWire())
      for node in nodes { graph.add(1, node) }
      for constant in constants { graph.add(5, constant) }
      graph.add(11, value.bytes)
      model.add(1, 8)
      model.add(7, graph.bytes)
      return model.bytes
    }
  }
}
