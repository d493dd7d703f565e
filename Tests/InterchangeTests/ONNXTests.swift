import CProtobuf
import Checkpoints
import Interchange
import Layers
import Networks
import System
import TestSupport
import Testing

/// What an exported model says, read back by protobuf-c.
///
/// That it computes the same is checked with onnxruntime
/// (scripts/check-interchange).
@Suite struct ONNXTests {
  let folder = TemporaryFolder()

  struct Node: Equatable {
    let operation: String
    let inputs: [String]
    let outputs: [String]
    let name: String
    var ints: [String: [Int64]] = [:]
    var floats: [String: Float] = [:]
  }

  struct Model {
    var nodes: [Node] = []
    var constants: [String: [Int64]] = [:]
    var inputs: [String] = []
    var outputs: [String] = []
    var texts: [String: String] = [:]

    subscript(name: String) -> Node? { nodes.first { $0.name == name } }
  }

  func export(_ network: NetworkSpecification, isInside: Bool = false) throws -> Model {
    let file = try NetworkFile(opening: SmallFiles.checkpoint(network, folder))
    try ONNXExport.write(file, to: folder.file("a.onnx"), hasPreprocessingInside: isInside)
    let bytes = try folder.read("a.onnx")
    let message = try #require(onnx__model__unpack(nil, bytes.count, bytes))
    defer { onnx__model__free_unpacked(message, nil) }
    #expect(message.pointee.opset_import[0]?.pointee.version == 17)
    let graph = try #require(message.pointee.graph).pointee
    func text(_ letters: UnsafeMutablePointer<CChar>?) -> String {
      letters.map { String(cString: $0) } ?? ""
    }
    var model = Model()
    for case let node? in UnsafeBufferPointer(start: graph.node, count: graph.n_node) {
      let inputs = UnsafeBufferPointer(start: node.pointee.input, count: node.pointee.n_input)
      let outputs = UnsafeBufferPointer(start: node.pointee.output, count: node.pointee.n_output)
      var result = Node(
        operation: text(node.pointee.op_type), inputs: inputs.map { text($0) },
        outputs: outputs.map { text($0) }, name: text(node.pointee.name))
      let attributes = UnsafeBufferPointer(
        start: node.pointee.attribute, count: node.pointee.n_attribute)
      for case let attribute? in attributes {
        let name = text(attribute.pointee.name)
        switch attribute.pointee.type {
        case 2: result.ints[name] = [attribute.pointee.i]
        case 7:
          result.ints[name] = Array(
            UnsafeBufferPointer(start: attribute.pointee.ints, count: attribute.pointee.n_ints))
        default: result.floats[name] = attribute.pointee.f
        }
      }
      model.nodes.append(result)
    }
    for case let tensor? in UnsafeBufferPointer(
      start: graph.initializer, count: graph.n_initializer)
    {
      model.constants[text(tensor.pointee.name)] = Array(
        UnsafeBufferPointer(start: tensor.pointee.dims, count: tensor.pointee.n_dims))
    }
    model.inputs = UnsafeBufferPointer(start: graph.input, count: graph.n_input).map {
      text($0?.pointee.name)
    }
    model.outputs = UnsafeBufferPointer(start: graph.output, count: graph.n_output).map {
      text($0?.pointee.name)
    }
    let entries = UnsafeBufferPointer(
      start: message.pointee.metadata_props, count: message.pointee.n_metadata_props)
    for case let entry? in entries {
      model.texts[text(entry.pointee.key)] = text(entry.pointee.value)
    }
    // Every name that is read was made before.
    var known = Set(model.inputs).union(model.constants.keys)
    for node in model.nodes {
      #expect(known.isSuperset(of: node.inputs), "\(node.name)")
      known.formUnion(node.outputs)
    }
    #expect(known.isSuperset(of: model.outputs))
    return model
  }

  @Test func towersBecomeGroups() throws {
    let model = try export(SmallFiles.network())
    #expect(model.inputs == ["input"] && model.outputs == ["logits", "probabilities"])
    // 14 pixels, 5 x 5, stride 4: four places by the ceil rule, the last one three pixels beyond
    // the edge.
    #expect(model["c1"]?.ints["pads"] == [0, 0, 3, 3])
    #expect(model["c1"]?.ints["group"] == [1])
    #expect(model["c2"]?.ints["group"] == [1] && model["c3"]?.ints["group"] == [2])
    #expect(model.constants["features.0.weight"] == [4, 3, 5, 5])
    #expect(model.constants["c3.weight"] == [4, 3, 3, 3])
    #expect(model.constants["head.weight"]?.first == 5)
    // LRN for each tower, its alpha times the size, which ONNX divides by.
    #expect(model.nodes.count { $0.operation == "LRN" } == 2)
    let alpha = try #require(model["n1.tower0"]?.floats["alpha"])
    #expect(abs(alpha - 3e-4) < 1e-10)
    #expect(model["n1.tower1"]?.floats["bias"] == 2)
    #expect(model["d4"]?.operation == "Mul")
    #expect(model.texts["classes"]?.contains("class 4") == true)
    #expect(model.texts["preprocessing"]?.contains("\"meanFile\":\"a.onnx.mean.npy\"") == true)
    let mean = try NumPyArray(contentsOf: folder.file("a.onnx.mean.npy"))
    #expect(mean.shape == [3, 14, 14])
    // The pixel at (1, 1) of the picture is the crop's first.
    #expect(mean.values[0] == Float((16 + 1) * 3 % 97))
  }

  @Test func preprocessingInsideReadsBytes() throws {
    let model = try export(SmallFiles.network(), isInside: true)
    #expect(model.inputs == ["pixels"])
    #expect(
      model.nodes.prefix(4).map(\.operation) == ["Cast", "Transpose", "Slice", "Sub"])
    #expect(model.constants["preprocessing.mean"] == [1, 3, 14, 14])
    #expect(model.texts["preprocessing"]?.contains("meanFile") == false)
  }

  @Test(arguments: [1, 2]) func normsOfOneTowerRunAcrossAllMaps(towers: Int) throws {
    var network = SmallFiles.network()
    network.towers = towers
    let model = try export(network)
    #expect(model.nodes.count { $0.operation == "LRN" } == towers)
    #expect(model.nodes.contains { $0.operation == "Split" } == (towers == 2))
    #expect(model["c3"]?.ints["group"] == [Int64(towers)])
  }

  @Test func towersOfUnequalSizeBecomeSeparateConvolutions() throws {
    var network = SmallFiles.network()
    guard case .convolution(var layer) = network.layers[0] else {
      Issue.record("the layer c1 is no convolution")
      return
    }
    layer.kernels = 5
    network.layers[0] = .convolution(layer)
    let model = try export(network)
    // The first layer and the one that reads all towers need no parting.
    #expect(model["c1"]?.operation == "Conv" && model["c2"]?.operation == "Conv")
    #expect(model.constants["n1.maps"] == [2])
    guard case .convolution(var third) = network.layers[6] else {
      Issue.record("the layer c3 is no convolution")
      return
    }
    third.kernels = 5
    network.layers[6] = .convolution(third)
    let parted = try export(network)
    #expect(parted["c3"]?.operation == "Concat")
    #expect(parted.constants["c3.tower0.weight"] == [3, 3, 3, 3])
    #expect(parted.constants["c3.tower1.weight"] == [2, 3, 3, 3])
  }

  /// Until a layer has weights the towers have the same numbers, which the graph has once.
  @Test(arguments: [Reads.own, .all, .listed([[0, 1], [0, 1]])])
  func layersBeforeTheFirstWeightsReadThePicture(_ reads: Reads) throws {
    var network = SmallFiles.network()
    guard case .convolution(var first) = network.layers[0] else {
      Issue.record("the layer c1 is no convolution")
      return
    }
    first.reads = reads
    network.layers[0] = .convolution(first)
    let front: [LayerSpecification] = [
      .tanh(name: "t0"), .dropout(name: "d0", probability: 0.5),
      .responseNormalization(
        ResponseNormalizationSpecification(
          name: "n0", size: 3, constant: 2, scale: 1e-4, exponent: 0.75)),
    ]
    network.layers.insert(contentsOf: front, at: 0)
    let model = try export(network)
    #expect(model["n0"]?.operation == "LRN" && model["n0"]?.inputs == ["d0"])
    #expect(model["c1"]?.operation == "Conv" && model["c1"]?.ints["group"] == [1])
    // A layer that is not the network's first reads the maps of each tower that it names.
    let copies = reads == .own ? 1 : 2
    #expect(model.constants["features.0.weight"] == [4, 3 * Int64(copies), 5, 5])
    #expect(model["c1"]?.inputs.first == (copies == 1 ? "n0" : "c1.read"))
    #expect(model["c1.read"]?.inputs == (copies == 1 ? nil : ["n0", "n0"]))
  }

  @Test func towersThatReadSomeOthersBecomeSeparateNodes() throws {
    var network = SmallFiles.network()
    guard case .convolution(var third) = network.layers[6] else {
      Issue.record("the layer c3 is no convolution")
      return
    }
    third.reads = .listed([[0, 1], [0, 1]])
    network.layers[6] = .convolution(third)
    let model = try export(network)
    #expect(model["c3"]?.operation == "Concat" && model["c3.tower0"]?.operation == "Conv")
    #expect(model["c3.tower1.read"]?.operation == "Concat")
  }

  @Test func theInputOfCaffeAndTorchvisionNetworksIsDescribed() throws {
    var network = SmallFiles.network()
    let names = (0..<5).map(String.init)
    for (preset, order, scaled) in [
      (NetworkSpecification.caffeAlexNet(classes: 5), "BGR", false),
      (NetworkSpecification.torchvisionAlexNet(classes: 5), "RGB", true),
    ] {
      network.preprocessing = preset.preprocessing
      let how = Preprocessing(
        for: network, classNames: names, mean: Preprocessing.filled(network, [123, 117, 104]))
      let path = folder.file("published.safetensors")
      try NetworkExport.writeSafetensors(network, how, to: path) { tensor throws(Failure) in
        SmallFiles.values(tensor)
      }
      let file = try NetworkFile(opening: path)
      #expect(file.preprocessing == how)
      try ONNXExport.write(file, to: folder.file("p.onnx"), hasPreprocessingInside: true)
      let text = try String(decoding: folder.read("p.onnx"), as: UTF8.self)
      #expect(text.contains("preprocessing.order") == (order == "BGR"))
      #expect(text.contains("preprocessing.factors") == scaled)
    }
  }

  /// An Identity, or a softmax of the output, is what converters of types and versions stumble
  /// over.
  @Test func noNodeReadsAnOutputAndNoneIsAnIdentity() throws {
    let model = try export(SmallFiles.network())
    #expect(!model.nodes.contains { $0.operation == "Identity" || $0.inputs.contains("logits") })
    #expect(model["logits"]?.inputs == ["out"] && model["logits"]?.operation == "Flatten")
    #expect(model["probabilities"]?.inputs == ["out"])
  }
}
