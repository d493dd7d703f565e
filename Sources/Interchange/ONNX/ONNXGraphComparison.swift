import CProtobuf
import System

/// Compares the graph in a file with the one that is written for its network, so that a graph that
/// was changed after its export is not taken for the network that the metadata describe.
///
/// Programs that convert a model leave its computation as it is, and so does this: names, casts
/// between types of floating point, settings with their usual values, and lists that are attributes
/// in old operators and inputs in new ones make no difference. Weights must have their names, by
/// which they are read; other constants must have their numbers.
struct ONNXGraphComparison {
  private let written: ONNXListing
  private let found: ONNXListing
  private let path: String
  /// The values that were compared, by the written graph's names.
  private var pairs: [String: String] = [:]

  /// - Parameters:
  ///   - written: The graph as it is written; its weights have no numbers.
  ///   - found: The file's graph.
  ///   - path: The file.
  init(_ written: ONNXListing, _ found: ONNXListing, path: String) {
    (self.written, self.found, self.path) = (written, found, path)
  }

  /// The first difference.
  /// - Returns: A clause that names the layer; nil if both graphs compute the same.
  mutating func difference() -> String? {
    guard
      let logits = written.source("logits").map({ source in
        text(source.node.op_type) == "Flatten" ? text(source.node.input[0]) : "logits"
      })
    else { return nil }
    let named = found.outputs.filter { ["logits", "probabilities"].contains($0) }
    guard named.isEmpty else {
      for output in named {
        if let difference = difference(logits, at: output, isSoftmax: output != "logits") {
          return difference
        }
      }
      return nil
    }
    var first: String?
    for output in found.outputs {
      pairs = [:]
      guard let difference = difference(logits, at: output, isSoftmax: nil) else { return nil }
      first = first ?? difference
    }
    return first ?? "it has no outputs"
  }

  /// Compares the logits with an output.
  private mutating func difference(
    _ logits: String, at output: String, isSoftmax: Bool?
  ) -> String? {
    var name = found.origin(of: output)
    if let (node, _) = found.source(name), text(node.op_type) == "Softmax" {
      let axis = ONNXAttributes(list(node.attribute, node.n_attribute)).int("axis", 1)
      guard isSoftmax != false, [1, -1].contains(axis) else {
        return "its output \(quoted(output)) is a Softmax"
          + (isSoftmax == false ? "" : " over the axis \(axis)")
      }
      name = found.origin(of: texts(node.input, node.n_input).first ?? "")
    } else if isSoftmax == true {
      return "its output \(quoted(output)) is no Softmax"
    }
    // Of rows, it changes nothing.
    if let (node, _) = found.source(name), text(node.op_type) == "Flatten",
      ONNXAttributes(list(node.attribute, node.n_attribute)).int("axis", 1) == 1
    {
      name = found.origin(of: texts(node.input, node.n_input).first ?? "")
    }
    // One after the other and not one in the other: a chain may be longer than the stack.
    var waiting = [(written: logits, found: name, reader: output)]
    while let next = waiting.popLast() {
      let (expected, actual) = (written.origin(of: next.written), found.origin(of: next.found))
      if let other = pairs[expected] {
        guard other == actual else {
          return "its \(quoted(next.reader)) reads \(quoted(actual)) in place of \(quoted(other))"
        }
        continue
      }
      pairs[expected] = actual
      if let constant = written.constant(expected) {
        if let difference = difference(constant, expected, actual, next.reader) {
          return difference
        }
        continue
      }
      guard let (node, place) = written.source(expected) else {
        guard found.inputs.contains(actual) else {
          return "its \(quoted(next.reader)) does not read the input"
        }
        continue
      }
      switch compare(node, place, actual) {
      case .success(let inputs):
        waiting += inputs.map { ($0.written, $0.found, text(node.name)) }
      case .failure(let difference): return difference.text
      }
    }
    return nil
  }

  private struct Difference: Error {
    let text: String
  }

  // MARK: Nodes

  private typealias Inputs = [(written: String, found: String)]

  private func compare(
    _ node: Onnx__Node, _ place: Int, _ actual: String
  ) -> Result<Inputs, Difference> {
    let (name, operation) = (text(node.name), text(node.op_type))
    guard let (other, otherPlace) = found.source(actual) else {
      return .failure(
        Difference(
          text:
            "its \(quoted(actual)) is no layer, but \(quoted(name)) is \(Self.article(operation))"
        ))
    }
    var otherOperation = Self.operation(of: other)
    var settings = ONNXAttributes(list(other.attribute, other.n_attribute))
    // onnxruntime joins a layer and the units behind it.
    let fused = ["com.microsoft.FusedConv": "Conv", "com.microsoft.FusedGemm": "Gemm"]
    if let front = fused[otherOperation], settings.word("activation") == operation,
      settings["activation_params"] == nil, let input = node.input.map({ text($0[0]) }),
      let (inner, innerPlace) = written.source(written.origin(of: input)),
      text(inner.op_type) == front
    {
      settings.remove("activation")
      return compare(inner, innerPlace, other, otherPlace, front, settings)
    }
    otherOperation = otherOperation.replacing("ai.onnx.", with: "")
    return compare(node, place, other, otherPlace, otherOperation, settings)
  }

  private func compare(
    _ node: Onnx__Node, _ place: Int, _ other: Onnx__Node, _ otherPlace: Int,
    _ otherOperation: String, _ otherSettings: ONNXAttributes
  ) -> Result<Inputs, Difference> {
    let (name, operation) = (text(node.name), text(node.op_type))
    func differ(_ text: String) -> Result<Inputs, Difference> {
      .failure(Difference(text: "its layer \(quoted(name)) \(text)"))
    }
    guard operation == otherOperation else {
      return differ("is \(Self.article(otherOperation)) and not \(Self.article(operation))")
    }
    guard place == otherPlace else {
      return differ("is read at its output \(otherPlace + 1) and not at \(place + 1)")
    }
    let settings = ONNXAttributes(list(node.attribute, node.n_attribute))
    var (inputs, others) = (Self.inputs(node), Self.inputs(other))
    // What old operators have as attributes.
    let lists = Self.lists[operation] ?? []
    for (offset, key) in lists.enumerated() {
      let expected = integers(written, inputs, offset + 1, settings, key)
      let actual = integers(found, others, offset + 1, otherSettings, key)
      let usual = key == "steps" ? expected.map { $0.map { _ in 1 } } ?? [1, 1] : nil
      guard
        expected ?? usual == actual ?? usual
          || (expected == nil && actual?.allSatisfy { $0 == 1 } == true && key == "steps")
      else {
        return differ("has other \(key): \(Self.words(actual)) and not \(Self.words(expected))")
      }
    }
    if !lists.isEmpty { (inputs, others) = (Array(inputs.prefix(1)), Array(others.prefix(1))) }
    let usual = Self.usual[operation] ?? [:]
    // A Split's lengths say how many parts there are.
    let ignored = Set(lists + ["num_outputs"])
    for key in settings.names.union(otherSettings.names).subtracting(ignored).sorted() {
      // The weights' shape says it too, and is compared.
      if key == "kernel_shape", operation == "Conv", otherSettings[key] == nil { continue }
      let (expected, actual) = (settings[key] ?? usual[key], otherSettings[key] ?? usual[key])
      guard let expected, let actual, expected.isNear(actual) else {
        return differ(
          "has the setting \(quoted(key)) \(actual?.words ?? "missing") and not "
            + (expected?.words ?? "missing"))
      }
    }
    guard inputs.count == others.count else {
      return differ("reads \(others.count) values and not \(inputs.count)")
    }
    return .success(zip(inputs, others).map { ($0, $1) })
  }

  private static func operation(of node: Onnx__Node) -> String {
    let domain = text(node.domain)
    return (domain.isEmpty ? "" : domain + ".") + text(node.op_type)
  }

  private static func article(_ operation: String) -> String {
    let word = quoted(operation)
    return (operation.first.map { "AEIOU".contains($0) } == true ? "an " : "a ") + word
  }

  /// A node's inputs without empty ones at the end, which are left out.
  private static func inputs(_ node: Onnx__Node) -> [String] {
    var inputs = texts(node.input, node.n_input)
    while inputs.last?.isEmpty == true { inputs.removeLast() }
    return inputs
  }

  // MARK: Settings

  /// The lists that are inputs in new operators and attributes in old ones, from the second input
  /// on.
  private static let lists = [
    "Split": ["split"], "Slice": ["starts", "ends", "axes", "steps"], "Reshape": ["shape"],
  ]

  /// What a setting is where it is left out.
  private static let usual: [String: [String: ONNXAttributes.Setting]] = {
    let window: [String: ONNXAttributes.Setting] = [
      "auto_pad": .word("NOTSET"), "dilations": .ints([1, 1]), "pads": .ints([0, 0, 0, 0]),
      "strides": .ints([1, 1]),
    ]
    let pool = window.merging(["ceil_mode": .int(0), "storage_order": .int(0)]) { first, _ in first
    }
    return [
      "Conv": window.merging(["group": .int(1)]) { first, _ in first },
      "MaxPool": pool,
      "AveragePool": pool.merging(["count_include_pad": .int(0)]) { first, _ in first },
      "Gemm": ["alpha": .float(1), "beta": .float(1), "transA": .int(0), "transB": .int(0)],
      "LRN": ["alpha": .float(1e-4), "beta": .float(0.75), "bias": .float(1)],
      "Flatten": ["axis": .int(1)], "Split": ["axis": .int(0)], "Gather": ["axis": .int(0)],
      "Reshape": ["allowzero": .int(0)],
    ]
  }()

  private func integers(
    _ graph: ONNXListing, _ inputs: [String], _ place: Int, _ settings: ONNXAttributes,
    _ key: String
  ) -> [Int]? {
    guard inputs.indices.contains(place), !inputs[place].isEmpty else { return settings.ints(key) }
    return graph.constant(graph.origin(of: inputs[place])).flatMap { ONNXTensor.integers($0) }
  }

  private static func words(_ numbers: [Int]?) -> String { numbers.map { "\($0)" } ?? "none" }

  // MARK: Constants

  private func difference(
    _ constant: Onnx__Tensor, _ name: String, _ actual: String, _ reader: String
  ) -> String? {
    let what = "its layer \(quoted(reader)) reads \(quoted(actual))"
    guard let other = found.constant(actual) else {
      return what + " where the constant \(quoted(name)) was"
    }
    // Weights are read by their names, and their shapes are checked then.
    let type = ONNXElementType(rawValue: constant.data_type)
    let isWeight = constant.raw_data.len == 0 && type == .float32
    guard !isWeight else { return actual == name ? nil : what + " in place of \(quoted(name))" }
    if type == .int64 {
      return ONNXTensor.integers(constant) == ONNXTensor.integers(other)
        ? nil : what + ", which holds other numbers than were written"
    }
    // The rounding of the type.
    let (share, least): (Float, Float) =
      switch ONNXElementType(rawValue: other.data_type) {
      case .float16: (0x1p-10, 1.2e-7)
      case .bfloat16: (0x1p-7, 0)
      default: (1e-6, 0)
      }
    guard let expected = try? ONNXTensor(constant, name, path), expected.problem == nil,
      let tensor = try? ONNXTensor(other, actual, path), tensor.problem == nil,
      let numbers = try? expected.values(beside: path),
      let others = try? tensor.values(beside: path),
      expected.shape.drop(while: { $0 == 1 }) == tensor.shape.drop(while: { $0 == 1 }),
      zip(numbers, others).allSatisfy({ number, other in
        other == number || abs(number - other) <= share * abs(number) + least
      })
    else { return what + ", which holds other numbers than were written" }
    return nil
  }
}
