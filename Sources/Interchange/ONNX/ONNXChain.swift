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
    var walk = Walk(current: input)
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
        Step(
          operation: text(node.domain).isEmpty || text(node.domain) == "ai.onnx"
            ? operation : "\(text(node.domain)).\(operation)",
          name: text(node.name).isEmpty ? outputs.first ?? "" : text(node.name), inputs: names,
          outputs: outputs, attributes: Attributes(list(node.attribute, node.n_attribute)),
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

/// The settings of a node.
private struct Attributes {
  private var values: [String: Onnx__Attribute] = [:]

  init(_ attributes: [Onnx__Attribute]) {
    for attribute in attributes { values[text(attribute.name)] = attribute }
  }

  func int(_ name: String, _ usual: Int) -> Int { values[name].map { Int($0.i) } ?? usual }
  func float(_ name: String, _ usual: Double) -> Double {
    values[name].map { Double($0.f) } ?? usual
  }
  func ints(_ name: String) -> [Int]? {
    values[name].map { list($0.ints, min($0.n_ints, 64)).map { Int($0) } }
  }
  func word(_ name: String) -> String {
    values[name].map { String(decoding: list($0.s.data, $0.s.len), as: UTF8.self) } ?? ""
  }
}

/// A node that reads what the pictures became.
private struct Step {
  let operation: String
  let name: String
  let inputs: [String]
  let outputs: [String]
  let attributes: Attributes
  /// Whether a name does not depend on the pictures.
  let isFixed: (String) -> Bool
  let tensor: (String) -> WeightTensor?
  let integers: (String) -> [Int]?
  let scalar: (String) -> Double?
}

/// The way through the graph: the layers so far, and what the next node must read.
private struct Walk {
  private(set) var layers: [FileLayer] = []
  /// The name of what the next node must read.
  ///
  /// Several names where nodes that change nothing have passed it on.
  private var current: Set<String>
  /// Whether numbers lie as images x rows x columns x maps.
  private var hasMapsLast = false
  /// The parts of the maps that towers read, what a norm makes of each, and the norm.
  private var parts: [String] = []
  private var normed: [String: (part: Int, norm: FileNorm)] = [:]
  /// A softmax, which is the end.
  private var softmax: String?

  init(current: String) { self.current = [current] }

  mutating func step(_ step: Step) {
    let reads = step.inputs.filter { !step.isFixed($0) && !$0.isEmpty }
    if stepInTowers(step, reads) { return }
    guard reads.count == 1, current.contains(reads[0]) else {
      return add(.other("\(step.operation) of \(reads.joined(separator: ", "))"), step)
    }
    let attributes = step.attributes
    switch step.operation {
    case "Conv": addConvolution(step)
    case "Gemm": addGemm(step)
    case "MatMul" where isFirst(step):
      var layout = FileLayer.Layout()
      layout.isTransposed = true
      layout.hasMapsLast = takeMapsLast()
      add(.fullyConnected, step, weights: step.inputs.last.flatMap(step.tensor), layout: layout)
    case "Add" where isBias(step):
      layers[layers.count - 1].biases = step.inputs.first { !current.contains($0) }.flatMap(
        step.tensor)
      move(step)
    case "Mul":
      let factor = step.inputs.first { !current.contains($0) }.flatMap(step.scalar)
      add(factor.map { .scaling($0) } ?? .other("Mul"), step)
    case "Relu": add(.relu, step)
    case "Tanh": add(.tanh, step)
    case "LRN":
      add(
        hasMapsLast
          ? .other("LRN across columns") : .responseNormalization(Self.norm(attributes), parts: 1),
        step)
    case "MaxPool", "AveragePool": addPooling(step)
    case "GlobalAveragePool": add(.averagePooling(FileWindow(size: nil)), step)
    case "GlobalMaxPool": add(.maxPooling(FileWindow(size: nil)), step)
    case "Dropout", "Identity", "Flatten", "Squeeze": pass(step)
    // 1, 10, 11 and 16 are floating point.
    case "Cast" where [1, 10, 11, 16].contains(attributes.int("to", 0)): pass(step)
    case "Reshape":
      // A shape that is worked out keeps the number of images; what follows has weights for the rest.
      let shape = step.inputs.dropFirst().first.flatMap(step.integers) ?? attributes.ints("shape")
      let isFlat = shape.map { $0.count == 2 || $0.count == 4 && $0[2...] == [1, 1] } ?? true
      if isFlat { pass(step) } else { add(.other("Reshape to \(shape ?? [])"), step) }
    case "Transpose":
      switch attributes.ints("perm") {
      case [0, 3, 1, 2] where layers.isEmpty || hasMapsLast:
        hasMapsLast = false
        move(step)
      case [0, 2, 3, 1] where !hasMapsLast:
        hasMapsLast = true
        move(step)
      default: add(.other("Transpose"), step)
      }
    case "Softmax", "LogSoftmax":
      softmax = step.name
      move(step)
    default: add(.other(step.operation), step)
    }
  }

  private mutating func pass(_ step: Step) { current.insert(step.outputs.first ?? "") }

  private mutating func move(_ step: Step) { current = [step.outputs.first ?? ""] }

  private func isFirst(_ step: Step) -> Bool { step.inputs.first.map(current.contains) == true }

  private mutating func add(
    _ kind: FileLayer.Kind, _ step: Step, weights: WeightTensor? = nil, biases: WeightTensor? = nil,
    layout: FileLayer.Layout = FileLayer.Layout()
  ) {
    // A file of thousands of nodes that nothing is made of need not be kept.
    guard layers.count < 2000 else { return }
    if let name = softmax {
      softmax = nil
      layers.append(FileLayer(name: name, kind: .other("Softmax before other layers")))
    }
    layers.append(
      FileLayer(name: step.name, kind: kind, weights: weights, biases: biases, layout: layout))
    move(step)
  }

  private mutating func takeMapsLast() -> Bool {
    defer { hasMapsLast = false }
    return hasMapsLast
  }

  // MARK: Layers with weights

  private mutating func addConvolution(_ step: Step) {
    let weights = step.inputs.dropFirst().first.flatMap(step.tensor)
    let shape = weights.map { Array($0.shape.dropFirst(2)) } ?? []
    let size = step.attributes.ints("kernel_shape") ?? shape
    guard !hasMapsLast, isFirst(step), let weights, size == shape,
      let window = Self.window(step.attributes, size: size)
    else { return add(.other("Conv whose window is not square, or is dilated"), step) }
    add(
      .convolution(window, groups: step.attributes.int("group", 1)), step, weights: weights,
      biases: step.inputs.dropFirst(2).first.flatMap(step.tensor))
  }

  private mutating func addGemm(_ step: Step) {
    let attributes = step.attributes
    guard isFirst(step), attributes.int("transA", 0) == 0,
      attributes.float("alpha", 1) == 1, attributes.float("beta", 1) == 1
    else { return add(.other("Gemm with factors"), step) }
    var layout = FileLayer.Layout()
    layout.isTransposed = attributes.int("transB", 0) == 0
    layout.hasMapsLast = takeMapsLast()
    add(
      .fullyConnected, step, weights: step.inputs.dropFirst().first.flatMap(step.tensor),
      biases: step.inputs.dropFirst(2).first.flatMap(step.tensor), layout: layout)
  }

  /// Whether a sum adds a number for each kernel to what a layer without biases made just before.
  private func isBias(_ step: Step) -> Bool {
    guard let last = layers.last, let weights = last.weights, last.biases == nil,
      let bias = step.inputs.first(where: { !current.contains($0) }).flatMap(step.tensor)
    else { return false }
    let kernels = last.layout.isTransposed ? weights.shape.last : weights.shape.first
    // Along the maps: [kernels] behind a matrix product, [kernels, 1, 1] behind a convolution.
    let tail = weights.shape.count == 4 && !hasMapsLast ? [kernels ?? 0, 1, 1] : [kernels ?? 0]
    return bias.shape.drop(while: { $0 == 1 }).elementsEqual(tail.drop(while: { $0 == 1 }))
      && bias.shape.count >= tail.count
  }

  // MARK: Windows and norms

  private mutating func addPooling(_ step: Step) {
    let isMaximum = step.operation == "MaxPool"
    guard !hasMapsLast,
      let window = Self.window(step.attributes, size: step.attributes.ints("kernel_shape") ?? [])
    else { return add(.other("\(step.operation) whose window is not square, or is dilated"), step) }
    // The mean of a pixel is the pixel.
    if !isMaximum, window.isIdentity { return pass(step) }
    let countsPadding =
      step.attributes.int("count_include_pad", 0) != 0
      && window.padding + window.paddingAfter > 0
    add(
      isMaximum
        ? .maxPooling(window)
        : countsPadding ? .other("AveragePool that counts its padding") : .averagePooling(window),
      step)
  }

  private static func window(_ attributes: Attributes, size: [Int]) -> FileWindow? {
    let strides = attributes.ints("strides") ?? [1, 1]
    let pads = attributes.ints("pads") ?? [0, 0, 0, 0]
    let (dilations, padding) = (
      attributes.ints("dilations") ?? [1, 1], attributes.word("auto_pad")
    )
    guard size.count == 2, size[0] == size[1], strides.count == 2, strides[0] == strides[1],
      pads.count == 4, pads[0] == pads[1], pads[2] == pads[3],
      (size + strides + pads).allSatisfy({ (0...1 << 20).contains($0) }),
      dilations.allSatisfy({ $0 == 1 }), ["", "NOTSET", "VALID"].contains(padding)
    else { return nil }
    return FileWindow(
      size: size[0], stride: strides[0], padding: padding == "VALID" ? 0 : pads[0],
      paddingAfter: padding == "VALID" ? 0 : pads[2],
      roundsUp: attributes.int("ceil_mode", 0) != 0)
  }

  private static func norm(_ attributes: Attributes) -> FileNorm {
    let size = attributes.int("size", 1)
    // ONNX divides alpha by the size.
    return FileNorm(
      size: size, scale: attributes.float("alpha", 1e-4) / Double(max(1, size)),
      exponent: attributes.float("beta", 0.75), constant: attributes.float("bias", 1))
  }

  /// Takes the parts of a norm in towers: Split, an LRN for each part, Concat.
  private mutating func stepInTowers(_ step: Step, _ reads: [String]) -> Bool {
    if step.operation == "Split", reads.count == 1, current.contains(reads[0]),
      step.attributes.int("axis", 0) == 1,
      step.outputs.count > 1, softmax == nil
    {
      (parts, normed) = (step.outputs, [:])
      return true
    }
    guard let first = reads.first, !parts.isEmpty else { return false }
    if step.operation == "LRN", let part = parts.firstIndex(of: first),
      let output = step.outputs.first
    {
      normed[output] = (part, Self.norm(step.attributes))
      return true
    }
    let all = reads.compactMap { normed[$0] }
    guard step.operation == "Concat", step.attributes.int("axis", 0) == 1, all.count == reads.count,
      all.map(\.part) == Array(parts.indices), all.allSatisfy({ $0.norm == all[0].norm })
    else { return false }
    add(.responseNormalization(all[0].norm, parts: parts.count), step)
    parts = []
    return true
  }
}
