import CProtobuf
import Checkpoints
import Glibc
import Interchange
import Layers
import Networks
import System
import TestSupport
import Testing

/// Exported models whose graphs were changed afterwards, and those that were only converted.
@Suite struct ONNXGraphComparisonTests {
  let folder = TemporaryFolder()

  /// Towers alike, or with towers that are computed apart.
  func network(isUneven: Bool) -> NetworkSpecification {
    var network = SmallFiles.network()
    if isUneven, case .convolution(var third) = network.layers[6] {
      third.kernels = 5
      network.layers[6] = .convolution(third)
    }
    return network
  }

  /// Exports, changes the model, and opens it again.
  func complaint(
    isUneven: Bool = false, isInside: Bool = false,
    _ change: (inout Onnx__Graph) throws -> Void
  ) throws -> String? {
    let file = try NetworkFile(
      opening: SmallFiles.checkpoint(network(isUneven: isUneven), folder))
    try ONNXExport.write(file, to: folder.file("a.onnx"), hasPreprocessingInside: isInside)
    let bytes = try folder.read("a.onnx")
    let message = try #require(onnx__model__unpack(nil, bytes.count, bytes))
    // What is put in is not freed, and the process is short.
    try change(&message.pointee.graph.pointee)
    let base = UnsafeRawPointer(message).assumingMemoryBound(to: ProtobufCMessage.self)
    let changed = [UInt8](unsafeUninitializedCapacity: protobuf_c_message_get_packed_size(base)) {
      $1 = protobuf_c_message_pack(base, $0.baseAddress)
    }
    do throws(Failure) {
      _ = try ONNXModel(opening: folder.write(changed, "b.onnx"))
      return nil
    } catch {
      #expect(error.exitCode == .badData)
      return error.message
    }
  }

  func node(_ name: String, in graph: Onnx__Graph) throws -> UnsafeMutablePointer<Onnx__Node> {
    let nodes = UnsafeBufferPointer(start: graph.node, count: graph.n_node)
    return try #require(nodes.first { $0.map { String(cString: $0.pointee.name) } == name } ?? nil)
  }

  func attribute(
    _ key: String, of name: String, in graph: Onnx__Graph
  ) throws -> UnsafeMutablePointer<Onnx__Attribute> {
    let node = try node(name, in: graph).pointee
    let all = UnsafeBufferPointer(start: node.attribute, count: node.n_attribute)
    return try #require(all.first { $0.map { String(cString: $0.pointee.name) } == key } ?? nil)
  }

  @Test(arguments: [false, true], [false, true]) func unchangedGraphsAreRead(
    isUneven: Bool, isInside: Bool
  ) throws {
    #expect(try complaint(isUneven: isUneven, isInside: isInside) { _ in } == nil)
  }

  @Test(arguments: ["r1", "t2"], [false, true]) func anotherUnitIsNamed(
    _ layer: String, isInside: Bool
  ) throws {
    let message = try complaint(isInside: isInside) { graph in
      try node(layer, in: graph).pointee.op_type = strdup("Sigmoid")
    }
    #expect(
      message?.contains("its layer '\(layer)' is a 'Sigmoid' and not a") == true, "\(message ?? "")"
    )
    #expect(message?.contains("'alexnet-train'") == true)
  }

  @Test func otherSettingsAreNamed() throws {
    let group = try complaint { try attribute("group", of: "c3", in: $0).pointee.i = 1 }
    #expect(group?.contains("its layer 'c3' has the setting 'group' 1 and not 2") == true)
    let alpha = try complaint { try attribute("alpha", of: "n1.tower1", in: $0).pointee.f = 1 }
    #expect(alpha?.contains("its layer 'n1.tower1' has the setting 'alpha' 1 and") == true)
    let stride = try complaint { try attribute("strides", of: "p4", in: $0).pointee.ints[0] = 1 }
    #expect(stride?.contains("its layer 'p4' has the setting 'strides'") == true)
    // A setting that was left out: the only one of the product becomes its factor.
    let factor = try complaint { graph in
      let attribute = try attribute("transB", of: "out", in: graph)
      attribute.pointee.name = strdup("alpha")
      (attribute.pointee.type, attribute.pointee.has_f, attribute.pointee.f) = (1, 1, -1)
    }
    #expect(factor?.contains("its layer 'out' has the setting 'alpha' -1 and not 1") == true)
  }

  @Test func otherInputsAndConstantsAreNamed() throws {
    let swapped = try complaint(isUneven: true) { graph in
      let (first, second) = (
        try node("c3.tower0", in: graph), try node("c3.tower1", in: graph)
      )
      swap(&first.pointee.input[0], &second.pointee.input[0])
    }
    #expect(swapped?.contains("its layer 'c3.split' is read at its output") == true)
    let around = try complaint { graph in
      try node("c2", in: graph).pointee.input[0] = strdup("r1")
    }
    #expect(around?.contains("its layer ") == true, "\(around ?? "")")
    let weights = try complaint { graph in
      try node("c2", in: graph).pointee.input[1] = strdup("c3.weight")
    }
    #expect(weights?.contains("reads 'c3.weight' in place of 'c2.weight'") == true)
    for name in ["d4.kept", "s1.exponent", "n1.maps"] {
      let message = try complaint { graph in
        let tensors = UnsafeBufferPointer(start: graph.initializer, count: graph.n_initializer)
        let tensor = try #require(
          tensors.first { $0.map { String(cString: $0.pointee.name) } == name } ?? nil)
        tensor.pointee.raw_data.data[0] ^= 1
        tensor.pointee.raw_data.data[2] ^= 0x40
      }
      #expect(message?.contains("\(name)', which holds other") == true || name == "n1.maps")
      #expect(message != nil, "\(name)")
    }
    let mean = try complaint(isInside: true) { graph in
      let tensors = UnsafeBufferPointer(start: graph.initializer, count: graph.n_initializer)
      for case let tensor? in tensors
      where String(cString: tensor.pointee.name) == "preprocessing.mean" {
        tensor.pointee.raw_data.data[3] ^= 0x80
      }
    }
    #expect(mean?.contains("'preprocessing.mean', which holds other numbers") == true)
  }

  @Test func otherOutputsAreRefused() throws {
    let early = try complaint { graph in
      try node("logits", in: graph).pointee.input[0] = strdup("p4")
    }
    #expect(early != nil)
    let axis = try complaint { try attribute("axis", of: "probabilities", in: $0).pointee.i = 0 }
    #expect(axis?.contains("over the axis 0") == true, "\(axis ?? "")")
  }

  /// What converters do: other types, nodes that change nothing, settings that are written out or
  /// left out, and other names of values.
  @Test func convertedGraphsAreRead() throws {
    #expect(
      try complaint { graph in
        let (relu, softmax) = (
          try node("r1", in: graph), try attribute("axis", of: "probabilities", in: graph)
        )
        softmax.pointee.i = -1
        // A unit's output under another name, and the flattening's axis left out.
        relu.pointee.output[0] = strdup("another")
        for case let node? in UnsafeBufferPointer(start: graph.node, count: graph.n_node) {
          for place in 0..<node.pointee.n_input
          where node.pointee.input[place].map({ String(cString: $0) }) == "r1" {
            node.pointee.input[place] = strdup("another")
          }
        }
        try node("logits", in: graph).pointee.n_attribute = 0
      } == nil)
  }
}
