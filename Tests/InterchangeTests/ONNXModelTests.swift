import Checkpoints
import Glibc
import Interchange
import Layers
import Networks
import System
import TestSupport
import Testing

/// Models that others wrote, byte by byte (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
@Suite struct ONNXModelTests {
  let folder = TemporaryFolder()

  /// One tower, 8 x 8 pixels: a convolution, a pool, a fully-connected layer of three classes.
  let network = NetworkSpecification(
    name: "tiny", towers: 1, inputSide: 8, imageSide: 8, classes: 3,
    layers: [
      .convolution(
        ConvolutionSpecification(
          name: "c", kernels: 2, window: Window(size: 3, stride: 1, padding: 1, rounding: .down))),
      .relu(name: "r"),
      .responseNormalization(
        ResponseNormalizationSpecification(
          name: "n", size: 5, constant: 1, scale: 2e-5, exponent: 0.75)),
      .maxPooling(MaxPoolingSpecification(name: "p", window: Window(size: 3, stride: 2))),
      .dropout(name: "d", probability: 0.5, scalesInTraining: true),
      .fullyConnected(FullyConnectedSpecification(name: "f", kernels: 3)),
    ])
  let kernels = (0..<54).map { Float($0) }
  /// Neurons x maps x rows x columns: the pool makes 4 x 4 of 8 x 8 pixels.
  let weights = (0..<96).map { Float($0) }

  /// The network as its own programs write it; the pool as explicit pads or by the ceil rule.
  func graph(
    pads: [Int] = [0, 0, 1, 1], ceil: Int = 0, alpha: Float = 1e-4,
    convolution: [String] = ["x", "w1", "b1"]
  ) -> Graph {
    var graph = Graph()
    graph.constant("w1", [2, 3, 3, 3], kernels)
    graph.constant("b1", [2], [5, 6])
    graph.node(
      "Conv", convolution, "a",
      ["kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "strides": [1, 1]])
    graph.node("Relu", ["a"], "b")
    graph.node("LRN", ["b"], "c", int: ["size": 5], float: ["alpha": alpha, "beta": 0.75])
    graph.node(
      "MaxPool", ["c"], "d", ["kernel_shape": [3, 3], "pads": pads, "strides": [2, 2]],
      int: ["ceil_mode": ceil])
    return graph
  }

  func weights(of bytes: [UInt8], in name: String = "n.onnx") throws -> [[Float]] {
    let source = try WeightFile.open(folder.write(bytes, name))
    let found = try NetworkWeights(source, of: network)
    return try network.tensors.map { tensor in try found.read(tensor) }
  }

  @Test func theOrderOfNodesMatchesWeightsToLayers() throws {
    for (pads, ceil) in [([0, 0, 1, 1], 0), ([0, 0, 0, 0], 1)] {
      var graph = graph(pads: pads, ceil: ceil)
      graph.node("Flatten", ["d"], "e")
      graph.constant("w2", [3, 32], weights)
      graph.constant("b2", [3], [7, 8, 9])
      graph.node("Gemm", ["e", "w2", "b2"], "f", int: ["transB": 1])
      graph.node("Softmax", ["f"], "g")
      #expect(try weights(of: graph.bytes) == [kernels, [5, 6], weights, [7, 8, 9]])
      #expect(
        try WeightFile.open(folder.write(graph.bytes, "n.onnx")).pictures.side == 8)
    }
  }

  @Test func matrixProductsAreTransposedAndTheirBiasesFound() throws {
    var graph = graph()
    graph.node("Constant", [], "shape")
    graph.node("Reshape", ["d", "shape"], "e")
    // Inputs x neurons.
    graph.constant("w2", [32, 3], (0..<96).map { weights[$0 % 3 * 32 + $0 / 3] })
    graph.constant("b2", [3], [7, 8, 9])
    graph.node("MatMul", ["e", "w2"], "f")
    graph.node("Add", ["b2", "f"], "g")
    #expect(try weights(of: graph.bytes) == [kernels, [5, 6], weights, [7, 8, 9]])
  }

  /// TensorFlow's maps lie side by side in a pixel when they are flattened.
  @Test func channelsLastInputsAreTransposed() throws {
    var graph = graph()
    graph.node("Transpose", ["d"], "t", ["perm": [0, 2, 3, 1]])
    graph.node("Flatten", ["t"], "e")
    var turned = [Float](repeating: 0, count: 96)
    for neuron in 0..<3 {
      for map in 0..<2 {
        for pixel in 0..<16 {
          turned[neuron * 32 + pixel * 2 + map] = weights[neuron * 32 + map * 16 + pixel]
        }
      }
    }
    graph.constant("w2", [3, 32], turned)
    graph.node("Gemm", ["e", "w2"], "f", int: ["transB": 1])
    // Without biases there are none.
    #expect(try weights(of: graph.bytes) == [kernels, [5, 6], weights, [0, 0, 0]])
  }

  /// A graph with its last layers: a Gemm of constants of these names.
  func whole(_ graph: Graph, gemm: [String] = ["e", "w2", "b2"], transposes: Int = 1) -> Graph {
    var graph = graph
    graph.node("Flatten", ["d"], "e")
    graph.constant("w2", [3, 32], weights)
    graph.constant("b2", [3], [7, 8, 9])
    graph.node("Gemm", gemm, "f", int: ["transB": transposes])
    return graph
  }

  /// What leaves numbers as they are is followed.
  @Test func weightsThroughUnchangingNodesAreRead() throws {
    let expected: [[Float]] = [kernels, [5, 6], weights, [7, 8, 9]]
    var graph = whole(graph(convolution: ["x", "w1", "made1"]), gemm: ["e", "w2", "made2"])
    graph.constant("column", [2, 1], [5, 6])
    graph.integers("shape", [-1])
    graph.node("Reshape", ["column", "shape"], "cast", at: 0)
    graph.node("Cast", ["cast"], "made1", int: ["to": 1], at: 1)
    graph.integers("axes", [0])
    graph.node("Unsqueeze", ["b2", "axes"], "wide", at: 2)
    graph.node("Squeeze", ["wide"], "thin", at: 3)
    graph.node("Identity", ["thin"], "made2", at: 4)
    #expect(try weights(of: graph.bytes) == expected)
    // Weights whose rows and columns are exchanged.
    for transposes in [0, 1] {
      graph = whole(self.graph(), gemm: ["e", "w", "b2"], transposes: transposes)
      graph.constant("turned", [32, 3], (0..<96).map { weights[$0 % 3 * 32 + $0 / 3] })
      graph.node("Transpose", [transposes == 1 ? "turned" : "w2"], "w", ["perm": [1, 0]], at: 0)
      #expect(try weights(of: graph.bytes) == expected, "transB \(transposes)")
    }
  }

  /// A graph whose nodes between the pool and the product are others, with more after the product.
  func bridged(_ middle: (inout Graph) -> Void, after: (inout Graph) -> Void = { _ in }) -> Graph {
    var graph = graph()
    middle(&graph)
    graph.constant("w2", [3, 32], weights)
    graph.constant("b2", [3], [7, 8, 9])
    graph.node("Gemm", ["e", "w2", "b2"], "f", int: ["transB": 1])
    after(&graph)
    return graph
  }

  /// The same nodes as other programs write them.
  @Test func nodesThatChangeNoNumberAreRead() throws {
    let expected: [[Float]] = [kernels, [5, 6], weights, [7, 8, 9]]
    for shape in [[0, -1], [1, -1], [-1, 32], [1, 32]] {
      let graph = bridged {
        $0.integers("shape", shape)
        $0.node("Reshape", ["d", "shape"], "e")
      } after: {
        $0.node("Softmax", ["f"], "g", int: ["axis": 1])
      }
      #expect(try weights(of: graph.bytes) == expected, "\(shape)")
    }
    for axis in [1, -3] {
      let graph = bridged {
        $0.node("Flatten", ["d"], "e", int: ["axis": axis])
      } after: {
        $0.integers("shape", [-1, 3])
        $0.node("Reshape", ["f", "shape"], "r")
        $0.node("Softmax", ["r"], "g", int: ["axis": -1])
      }
      #expect(try weights(of: graph.bytes) == expected, "\(axis)")
    }
    // Pictures as rows x columns x colours.
    var turned = bridged { $0.node("Flatten", ["d"], "e") }
    turned.input = [1, 8, 8, 3]
    turned.nodes.removeFirst()
    turned.node("Transpose", ["x"], "t", ["perm": [0, 3, 1, 2]], at: 0)
    turned.node("Conv", ["t", "w1", "b1"], "a", ["pads": [1, 1, 1, 1]], at: 1)
    #expect(try weights(of: turned.bytes) == expected)
  }

  /// A convolution without biases and a sum behind it, as some exporters write one with them.
  @Test(arguments: [[2, 1, 1], [1, 2, 1, 1]]) func biasesMayBeAddedAfterAConvolution(
    _ shape: [Int]
  ) throws {
    var graph = graph(convolution: ["x", "w1"])
    graph.constant("b", shape, [5, 6])
    graph.node("Add", ["a", "b"], "s", at: 1)
    // The rectifier reads the sum.
    graph.nodes.remove(at: 2)
    graph.node("Relu", ["s"], "b0", at: 2)
    graph.nodes.remove(at: 3)
    graph.node("LRN", ["b0"], "c", int: ["size": 5], float: ["alpha": 1e-4], at: 3)
    #expect(try weights(of: whole(graph).bytes) == [kernels, [5, 6], weights, [7, 8, 9]])
  }

  @Test(arguments: ["SAME_UPPER", "SAME_LOWER"]) func automaticPaddingWithStrideOneIsRead(
    _ word: String
  ) throws {
    var graph = graph()
    graph.nodes.removeFirst()
    graph.node("Conv", ["x", "w1", "b1"], "a", text: ["auto_pad": word], at: 0)
    #expect(try weights(of: whole(graph).bytes)[0] == kernels)
  }

  /// Two towers whose norms run across their own maps.
  @Test func splitNormalizationsMustMatchTheTowersMaps() throws {
    var network = network
    network.towers = 2
    network.layers[0] = .convolution(
      ConvolutionSpecification(
        name: "c", kernels: 4, window: Window(size: 3, stride: 1, padding: 1, rounding: .down)))
    network.layers[5] = .fullyConnected(
      FullyConnectedSpecification(name: "f", kernels: 3, reads: .all))
    func found(_ lengths: [Int]?, isInput: Bool) throws -> NetworkWeights {
      var graph = Graph()
      graph.constant("w1", [4, 3, 3, 3], kernels + kernels)
      graph.node("Conv", ["x", "w1"], "a", ["pads": [1, 1, 1, 1]])
      graph.node("Relu", ["a"], "b")
      if let lengths, isInput { graph.integers("lengths", lengths) }
      let split: [String: [Int]] = isInput ? [:] : lengths.map { ["split": $0] } ?? [:]
      // A node of two outputs.
      graph.node(
        "Split", ["b"] + (isInput && lengths != nil ? ["lengths"] : []), "s0", split,
        int: ["axis": 1])
      var second = ProtobufWire()
      second.add(2, "s1")
      graph.nodes[2] += second.bytes
      for part in 0..<2 {
        graph.node("LRN", ["s\(part)"], "n\(part)", int: ["size": 5], float: ["alpha": 1e-4])
      }
      graph.node("Concat", ["n0", "n1"], "n", int: ["axis": 1])
      graph.node(
        "MaxPool", ["n"], "d", ["kernel_shape": [3, 3], "strides": [2, 2]], int: ["ceil_mode": 1])
      graph.node("Flatten", ["d"], "e")
      graph.constant("w2", [3, 64], weights + weights)
      graph.node("Gemm", ["e", "w2"], "f", int: ["transB": 1])
      return try NetworkWeights(
        WeightFile.open(folder.write(graph.bytes, "towers.onnx")), of: network)
    }
    for isInput in [false, true] {
      _ = try found([2, 2], isInput: isInput)
      for lengths in [[1, 3], [3, 1], [2, 1, 1]] {
        let failure = #expect(throws: Failure.self) { _ = try found(lengths, isInput: isInput) }
        if lengths.count == 2 {
          #expect(
            failure?.message.contains("towers (\(lengths[0]), \(lengths[1]))") == true,
            "\(failure?.message ?? "")")
        }
      }
    }
    // Equal parts where nothing is said.
    _ = try found(nil, isInput: false)
  }

  @Test func externalDataFilesAreRead() throws {
    func model(_ location: String, offset: Int = 8) -> [UInt8] {
      var graph = graph()
      graph.node("Flatten", ["d"], "e")
      var tensor = ProtobufWire()
      for length in [3, 32] { tensor.add(1, length) }
      tensor.add(2, 1)
      tensor.add(8, "w2")
      for (key, value) in [("location", location), ("offset", "\(offset)"), ("length", "384")] {
        var entry = ProtobufWire()
        entry.add(1, key)
        entry.add(2, value)
        tensor.add(13, entry.bytes)
      }
      tensor.add(14, 1)
      graph.constants.append(tensor.bytes)
      graph.node("Gemm", ["e", "w2"], "f", int: ["transB": 1])
      return graph.bytes
    }
    let bytes = weights.flatMap { number in
      (0..<4).map { UInt8(truncatingIfNeeded: number.bitPattern >> (8 * $0)) }
    }
    try folder.write([UInt8](repeating: 0, count: 8) + bytes, "n.onnx.data")
    #expect(try weights(of: model("n.onnx.data"))[2] == weights)
    for (location, offset) in [("n.onnx.data", 12), ("n.onnx.data", -4), ("missing", 0)] {
      #expect(throws: Failure.self, "\(location)") {
        _ = try weights(of: model(location, offset: offset))
      }
    }
    // The first two lead to the numbers: nothing but the place is wrong with them.
    mkdir(folder.file("models"), 0o700)
    mkdir(folder.file("models/more"), 0o700)
    for location in ["../n.onnx.data", "more/../../n.onnx.data", folder.file("n.onnx.data"), ""] {
      let failure = #expect(throws: Failure.self, "\(location)") {
        _ = try weights(of: model(location), in: "models/n.onnx")
      }
      #expect(failure?.exitCode == .badData)
      #expect(
        failure?.message.contains("which is not a file next to it") == true,
        "\(failure?.message ?? "")")
    }
  }

  /// Towers alike, and towers that are computed apart since one has more kernels.
  @Test(arguments: [false, true], [4, 5])
  func anExportedModelDescribesItself(isInside: Bool, kernels: Int) throws {
    var network = SmallFiles.network()
    guard case .convolution(var third) = network.layers[6] else {
      Issue.record("the layer c3 is no convolution")
      return
    }
    third.kernels = kernels
    network.layers[6] = .convolution(third)
    let file = try NetworkFile(opening: SmallFiles.checkpoint(network, folder))
    do {
      try ONNXExport.write(file, to: folder.file("a.onnx"), hasPreprocessingInside: isInside)
      let source = try WeightFile.open(folder.file("a.onnx"))
      let described = try #require(try source.described())
      #expect(described.network == network && described.preprocessing == file.preprocessing)
      let weights = try NetworkWeights(source, of: network)
      for tensor in network.tensors {
        #expect(try weights.read(tensor) == SmallFiles.values(tensor), "\(tensor.name)")
      }
      // The graph's other constants are no tensors that the network has no use for.
      let imported = try NetworkImport(
        source, network: { _ in described.network },
        preprocessing: { _, mean in
          #expect(mean == nil)
          return described.preprocessing
        })
      #expect(imported.network == network)
      #expect(try imported.write(to: folder.file("again.safetensors")).isEmpty)
    }
  }

  /// The same graphs, as if another program had written them.
  @Test(arguments: [false, true]) func towersAreRecognisedInTheGraph(hasTanhInFront: Bool) throws {
    for towers in [1, 2] {
      var network = SmallFiles.network()
      network.towers = towers
      if hasTanhInFront {
        network.layers.insert(.tanh(name: "t0"), at: 0)
        network.layers.insert(
          .responseNormalization(
            ResponseNormalizationSpecification(
              name: "n0", size: 3, constant: 2, scale: 1e-4, exponent: 0.75)), at: 1)
      }
      // ONNX has no norm within maps: its export is many nodes.
      network.layers.removeAll { $0.name == "s1" }
      let file = try NetworkFile(opening: SmallFiles.checkpoint(network, folder))
      try ONNXExport.write(file, to: folder.file("a.onnx"), hasPreprocessingInside: false)
      let bytes = try folder.read("a.onnx").replacing(
        "alexnet-train".utf8, with: "another-train".utf8)
      let source = try WeightFile.open(folder.write(bytes, "b.onnx"))
      #expect(try source.described() == nil)
      let weights = try NetworkWeights(source, of: network)
      for tensor in network.tensors {
        #expect(try weights.read(tensor) == SmallFiles.values(tensor), "\(tensor.name)")
      }
      var other = network
      other.towers = 3 - towers
      #expect(throws: Failure.self) { _ = try NetworkWeights(source, of: other) }
    }
  }
}
