import CProtobuf

/// The settings of a node.
struct ONNXAttributes {
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
struct ONNXStep {
  let operation: String
  let name: String
  let inputs: [String]
  let outputs: [String]
  let attributes: ONNXAttributes
  /// Whether a name does not depend on the pictures.
  let isFixed: (String) -> Bool
  let tensor: (String) -> WeightTensor?
  let integers: (String) -> [Int]?
  let scalar: (String) -> Double?
}

/// The way through the graph: the layers so far, and what the next node must read.
struct ONNXWalk {
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

  init(from input: String) { current = [input] }

  mutating func step(_ step: ONNXStep) {
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

  private mutating func pass(_ step: ONNXStep) { current.insert(step.outputs.first ?? "") }

  private mutating func move(_ step: ONNXStep) { current = [step.outputs.first ?? ""] }

  private func isFirst(_ step: ONNXStep) -> Bool { step.inputs.first.map(current.contains) == true }

  private mutating func add(
    _ kind: FileLayer.Kind, _ step: ONNXStep, weights: WeightTensor? = nil,
    biases: WeightTensor? = nil,
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

  private mutating func addConvolution(_ step: ONNXStep) {
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

  private mutating func addGemm(_ step: ONNXStep) {
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
  private func isBias(_ step: ONNXStep) -> Bool {
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

  private mutating func addPooling(_ step: ONNXStep) {
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

  private static func window(_ attributes: ONNXAttributes, size: [Int]) -> FileWindow? {
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

  private static func norm(_ attributes: ONNXAttributes) -> FileNorm {
    let size = attributes.int("size", 1)
    // ONNX divides alpha by the size.
    return FileNorm(
      size: size, scale: attributes.float("alpha", 1e-4) / Double(max(1, size)),
      exponent: attributes.float("beta", 0.75), constant: attributes.float("bias", 1))
  }

  /// Takes the parts of a norm in towers: Split, an LRN for each part, Concat.
  private mutating func stepInTowers(_ step: ONNXStep, _ reads: [String]) -> Bool {
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
