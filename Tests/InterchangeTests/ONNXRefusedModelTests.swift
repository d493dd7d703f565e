import Interchange
import Networks
import System
import TestSupport
import Testing

/// Models that compute something else, or whose weights cannot be read.
extension ONNXModelTests {
  func complaint(_ graph: Graph) throws -> String {
    let failure = #expect(throws: Failure.self) { _ = try weights(of: graph.bytes) }
    return failure?.message ?? ""
  }

  /// Numbers that are there and cannot be read are not zeros.
  @Test(
    arguments: [
      ("Cast", ["i"], [:], ["to": 1]), ("Mul", ["b1", "b1"], [:], [:]),
      ("ConstantOfShape", ["i"], [:], [:]), ("DequantizeLinear", ["i", "b1"], [:], [:]),
      ("Constant", [], ["value_floats": []], [:]), ("Cast", ["b1"], [:], ["to": 6]),
      ("Cast", ["b1"], [:], ["to": 10]), ("Reshape", ["b1", "w1"], [:], [:]),
    ] as [(String, [String], [String: [Int]], [String: Int])])
  func computedWeightsAreRefusedByTheLayersName(
    _ operation: String, _ inputs: [String], _ ints: [String: [Int]], _ int: [String: Int]
  ) throws {
    for layer in ["a", "f"] {
      let isFirst = layer == "a"
      var graph = whole(
        graph(convolution: ["x", "w1", isFirst ? "made" : "b1"]),
        gemm: ["e", "w2", isFirst ? "b2" : "made"])
      graph.integers("i", [2])
      graph.node(operation, inputs, "made", ints, int: int, at: 0)
      let message = try complaint(graph)
      #expect(
        message.contains("the biases 'made' of layer 'node-\(layer)' cannot be read")
          && message.contains(operation), "\(message)")
    }
    var graph = whole(graph(), gemm: ["e", "made", "b2"])
    graph.integers("i", [2])
    graph.node(operation, inputs, "made", ints, int: int, at: 0)
    #expect(try complaint(graph).contains("the weights 'made' of layer 'node-f' cannot be read"))
  }

  @Test func refusedLayersGiveTheRightReason() throws {
    var graph = whole(graph(convolution: ["x", "w8", "b1"]))
    graph.constant("w8", [2, 3, 3, 3], kernels, type: 17)
    let type = try complaint(graph)
    #expect(type.contains("'w8' of layer 'node-a'") && type.contains("ONNX's type 17"), "\(type)")
    graph = self.graph()
    graph.nodes.removeLast()
    graph.node(
      "MaxPool", ["c"], "d", ["kernel_shape": [3, 3], "strides": [2, 2]],
      text: ["auto_pad": "SAME_UPPER"])
    let padding = try complaint(whole(graph))
    #expect(
      padding.contains("the padding of layer 'node-d'")
        && padding.contains("auto_pad SAME_UPPER and a stride of 2"), "\(padding)")
    for (setting, says) in [
      (["dilations": [2, 2]], "dilated Conv"), (["strides": [1, 2]], "height and width differ"),
      (["kernel_shape": [5, 5]], "kernel_shape is not that of its weights"),
    ] {
      graph = self.graph()
      graph.nodes.removeFirst()
      graph.node("Conv", ["x", "w1", "b1"], "a", setting, at: 0)
      #expect(try complaint(whole(graph)).contains("'node-a' is a '"), "\(says)")
      #expect(try complaint(whole(graph)).contains(says), "\(says)")
    }
  }

  /// Nodes that usually change no number, with settings by which they do.
  @Test func nodesThatDoNotComputeWhatIsUsualAreRefused() throws {
    for axis in [0, 2, -1] {
      let message = try complaint(bridged { $0.node("Flatten", ["d"], "e", int: ["axis": axis]) })
      #expect(message.contains("'Flatten with the axis \(axis)'"), "\(message)")
    }
    for shape in [[2, -1], [32, -1], [-1, 0], [-1, 16]] {
      let message = try complaint(
        bridged {
          $0.integers("shape", shape)
          $0.node("Reshape", ["d", "shape"], "e")
        })
      #expect(
        message.contains("mixes images") || message.contains("of 16 numbers"), "\(message)")
    }
    let squeeze = try complaint(
      bridged {
        $0.integers("axes", [0])
        $0.node("Squeeze", ["d", "axes"], "e")
      })
    #expect(squeeze.contains("'Squeeze of the axes [0]'"), "\(squeeze)")
    let axis = try complaint(
      bridged {
        $0.node("Flatten", ["d"], "e")
      } after: {
        $0.node("Softmax", ["f"], "g", int: ["axis": 0])
      })
    #expect(axis.contains("'Softmax over the axis 0'"), "\(axis)")
    let mixed = try complaint(
      bridged {
        $0.node("Flatten", ["d"], "e")
      } after: {
        $0.integers("shape", [3, 1])
        $0.node("Reshape", ["f", "shape"], "r")
        $0.node("Softmax", ["r"], "g")
      })
    #expect(mixed.contains("'node-g'") && mixed.contains("'node-r'"), "\(mixed)")
    let end = try complaint(
      bridged {
        $0.node("Flatten", ["d"], "e")
      } after: {
        $0.integers("shape", [3, 1])
        $0.node("Reshape", ["f", "shape"], "r")
      })
    #expect(end.contains("'Reshape that mixes images'"), "\(end)")
    let twice = try complaint(
      bridged {
        $0.node("Flatten", ["d"], "e")
      } after: {
        $0.node("Softmax", ["f"], "g")
        $0.node("Softmax", ["g"], "h")
      })
    #expect(twice.contains("'Softmax before other layers'"), "\(twice)")
    // The pictures' colours are first already.
    var turned = bridged { $0.node("Flatten", ["d"], "e") }
    turned.nodes.removeFirst()
    turned.node("Transpose", ["x"], "t", ["perm": [0, 3, 1, 2]], at: 0)
    turned.node("Conv", ["t", "w1", "b1"], "a", ["pads": [1, 1, 1, 1]], at: 1)
    #expect(try complaint(turned).contains("'node-t' is a 'Transpose'"))
  }

  /// Nodes that read the data in graphs of their own, and do not list them as inputs.
  @Test(arguments: ["If", "Loop", "Scan"]) func nodesWithGraphsAreNoConstants(
    _ operation: String
  ) throws {
    let message = try complaint(
      bridged {
        $0.node("Flatten", ["d"], "e")
      } after: {
        $0.constant("known", [1], [1])
        $0.node(operation, ["known"], "g")
      })
    #expect(message.contains("its layer 'node-g' (a '\(operation)', which is"), "\(message)")
  }

  /// A description in JSON would not help.
  @Test func theRemedyIsThatOfTheNode() throws {
    var scaled = whole(graph(convolution: ["s", "w1", "b1"]))
    scaled.constant("m", [3, 1, 1], [124, 117, 104])
    scaled.node("Sub", ["x", "m"], "s", at: 0)
    let less = try complaint(scaled)
    scaled.nodes.removeFirst()
    scaled.constant("k", [], [1 / 255])
    scaled.node("Mul", ["x", "k"], "s", at: 0)
    let times = try complaint(scaled)
    for message in [less, times] {
      #expect(
        message.contains("without 'node-s', and give --mean, --scale and --deviation"),
        "\(message)")
    }
    let called = try complaint(bridged { $0.node("pkg.torch.Flatten_0", ["d"], "e") })
    #expect(called.contains("'node-e'") && called.contains("inline_local_functions"), "\(called)")
    let outside = try complaint(whole(graph(convolution: ["x", "w", "b1"])))
    #expect(outside.contains("The weights of 'node-a' are not in the file"), "\(outside)")
    var branch = graph()
    branch.node("Add", ["d", "c"], "z")
    let chain = try complaint(whole(branch))
    #expect(chain.contains("Networks here are chains, in which 'node-z'"), "\(chain)")
    for message in [less, times, outside, chain] {
      #expect(!message.contains("JSON"), "\(message)")
    }
  }

  @Test func aDropoutInTrainingModeIsRefused() throws {
    func graph(_ mode: Int?) -> Graph {
      bridged {
        if let mode {
          var truth = ProtobufWire()
          truth.add(2, 9)
          truth.add(5, mode)
          truth.add(8, "mode")
          $0.constants.append(truth.bytes)
        }
        $0.node("Flatten", ["d"], "e0")
        $0.node("Dropout", ["e0"] + (mode == nil ? [] : ["", "mode"]), "e")
      }
    }
    let expected: [[Float]] = [kernels, [5, 6], weights, [7, 8, 9]]
    #expect(try weights(of: graph(nil).bytes) == expected)
    #expect(try weights(of: graph(0).bytes) == expected)
    let message = try complaint(graph(1))
    #expect(message.contains("the Dropout 'node-e' is in training mode"), "\(message)")
    let old = try complaint(
      bridged {
        $0.node("Flatten", ["d"], "e0")
        $0.node("Dropout", ["e0"], "e", int: ["is_test": 0])
      })
    #expect(old.contains("training mode"), "\(old)")
  }

  @Test func unsupportedInputSizesAreRefused() throws {
    for (input, says) in [
      ([1, 3, 8, 7], "crops of 8x7 pixels"), ([1, 3, 10, 10], "crops of 10 pixels"),
    ] {
      var graph = whole(graph())
      graph.input = input
      let source = try WeightFile.open(folder.write(graph.bytes, "n.onnx"))
      let failure = #expect(throws: Failure.self) {
        _ = try NetworkImport(
          source, network: { _ throws(Failure) in network },
          preprocessing: { network, _ throws(Failure) in SmallFiles.preprocessing(network) })
      }
      #expect(failure?.message.contains(says) == true, "\(failure?.message ?? "")")
    }
  }

  @Test func differentLayersAreNamed() throws {
    func complaint(_ graph: Graph) throws -> String {
      var graph = graph
      graph.node("Flatten", [graph.nodes.count == 4 ? "d" : "z"], "e")
      graph.constant("w2", [3, 32], weights)
      graph.node("Gemm", ["e", "w2"], "f", int: ["transB": 1])
      let failure = #expect(throws: Failure.self) { _ = try weights(of: graph.bytes) }
      return failure?.message ?? ""
    }
    #expect(try complaint(graph(alpha: 2e-4)).contains("its layer 'node-c' is an LRN"))
    #expect(try complaint(graph(pads: [0, 0, 0, 0])).contains("(3x3 of 8x8 pixels)"))
    var other = graph()
    other.node("Sigmoid", ["d"], "z")
    #expect(try complaint(other).contains("'node-z' is a 'Sigmoid'"))
    var branch = graph()
    branch.node("Add", ["d", "c"], "z")
    #expect(try complaint(branch).contains("'Add of d, c'"))
    var early = graph()
    early.nodes.insert(early.nodes[2], at: 1)
    #expect(try complaint(early).contains("'LRN of b'"))
  }

  @Test func aConstantWithDataInTwoFieldsIsRefused() throws {
    var tensor = ProtobufWire()
    tensor.add(1, 54)
    tensor.add(2, 1)
    tensor.add(4, kernels)
    tensor.add(8, "w")
    // One of 64 bits besides.
    tensor.add(10, [UInt8](repeating: 0, count: 8))
    var graph = graph()
    graph.constants.append(tensor.bytes)
    let path = try folder.write(graph.bytes, "two.onnx")
    let failure = #expect(throws: Failure.self) { _ = try WeightFile.open(path) }
    #expect(failure?.exitCode == .badData)
  }

  @Test func aTruncatedFileIsRefusedOrLacksLayers() throws {
    var graph = graph()
    graph.node("Flatten", ["d"], "e")
    graph.constant("w2", [3, 32], weights)
    graph.node("Gemm", ["e", "w2"], "f", int: ["transB": 1])
    let bytes = graph.bytes
    for length in 0..<bytes.count {
      #expect(throws: Failure.self, "cut at \(length)") {
        _ = try weights(of: Array(bytes[..<length]))
      }
    }
  }
}
