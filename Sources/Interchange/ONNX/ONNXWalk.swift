import Networks
import System

/// The path through the graph: the layers so far, and what the next node must read.
struct ONNXWalk {
  private(set) var layers: [FileLayer] = []
  /// The output of the layers so far.
  ///
  /// It has several names if nodes that change nothing have passed it on.
  private var current: Set<String>
  /// Whether the layout is images x rows x columns x maps.
  private var hasMapsLast = false
  /// The parts of the maps that towers read, the number of maps of each, the output of each part's
  /// normalisation, and the normalisation.
  private var parts: [(name: String, maps: Int)] = []
  private var normed: [String: (part: Int, norm: FileNorm)] = [:]
  /// A softmax, with which the network ends.
  private var softmax: String?
  /// Those of `current` that are rows of numbers, images x numbers, and not maps.
  private var rows: Set<String> = []
  /// The numbers of an image in those of `current` that a Reshape made, which must be all of them:
  /// else images are mixed.
  private var lengths: [String: (count: Int, step: String)] = [:]
  /// The number of images that the graph takes; nil if any.
  private let images: Int?
  /// The version of the operators.
  private let version: Int

  /// Starts at a graph's input.
  /// - Parameters:
  ///   - input: Its name.
  ///   - shape: Its lengths; 0 where one is not fixed.
  ///   - version: The version of the operators.
  init(from input: String, shape: [Int], version: Int) {
    current = [input]
    self.version = version
    images = shape.first.flatMap { $0 > 0 ? $0 : nil }
    // The colours come first, unless they can only be last.
    hasMapsLast = shape.count == 4 && shape[3] == 3 && shape[1] != 3
    mayHaveMapsLast = hasMapsLast || shape.count != 4 || shape[1] == 0
  }

  /// Whether the input may be images x rows x columns x colours.
  private let mayHaveMapsLast: Bool

  /// The layers, at the graph's end.
  mutating func finish() -> [FileLayer] {
    if let (_, step) = lengths.values.first(where: { $0.count != lastKernels }) {
      layers.append(FileLayer(name: step, kind: .other("Reshape that mixes images")))
    }
    return layers
  }

  /// The kernels of the last layer that has weights, each of which makes a number of an image or a
  /// map of them.
  private var lastKernels: Int? {
    layers.last { $0.weights != nil }.flatMap { layer in
      layer.layout.isTransposed ? layer.weights?.shape.last : layer.weights?.shape.first
    }
  }

  mutating func step(_ step: ONNXStep) {
    let reads = step.inputs.filter { step.constants[$0] == nil && !$0.isEmpty }
    if stepInTowers(step, reads) { return }
    do throws(ONNXObstacle) {
      guard reads.count == 1, current.contains(reads[0]) else {
        throw ONNXObstacle(.branch(type: step.operation, reads: reads))
      }
      try take(step)
    } catch {
      add(error.kind, step)
    }
  }

  private mutating func take(_ step: ONNXStep) throws(ONNXObstacle) {
    let attributes = step.attributes
    switch step.operation {
    case "Conv": try addConvolution(step)
    case "Gemm": try addGemm(step)
    case "MatMul" where isFirst(step): try addProduct(step, isTransposed: true, biases: nil)
    case "Add": try addBiases(step)
    case "Mul":
      let factor = step.inputs.first { !current.contains($0) }.flatMap(step.constants.number)
      add(factor.map { .scaling($0) } ?? .other("Mul"), step)
    case "LRN":
      try checkLength(step)
      add(
        hasMapsLast
          ? .other("LRN across columns") : .responseNormalization(step.norm, parts: []),
        step)
    case "MaxPool", "AveragePool": try addPooling(step)
    case "GlobalAveragePool" where !hasMapsLast:
      add(.averagePooling(FileWindow(size: nil)), step)
    case "GlobalMaxPool" where !hasMapsLast: add(.maxPooling(FileWindow(size: nil)), step)
    case "Identity": pass(step)
    case "Dropout":
      try checkDropout(step)
      pass(step)
    case "Flatten":
      let axis = attributes.int("axis", 1)
      guard axis == 1 || axis == (isRow(step) ? -1 : -3) else {
        throw ONNXObstacle(.other("Flatten with the axis \(axis)"))
      }
      pass(step, isRow: true)
    case "Squeeze":
      try checkSqueeze(step)
      pass(step, isRow: true)
    case "Cast" where ONNXTensor.isFloatingPoint(attributes.int("to", 0)): pass(step)
    case "Reshape": try addReshape(step)
    case "Transpose":
      switch attributes.ints("perm") {
      case [0, 3, 1, 2] where (layers.isEmpty && mayHaveMapsLast || hasMapsLast) && !isRow(step):
        hasMapsLast = false
        move(step)
      case [0, 2, 3, 1] where !hasMapsLast && !isRow(step):
        hasMapsLast = true
        move(step)
      default: add(.other("Transpose"), step)
      }
    case "Softmax", "LogSoftmax":
      // Before version 13 the usual axis was 1, and all that follow were taken together.
      let axis = attributes.int("axis", version < 13 ? 1 : -1)
      guard axis == 1 && !hasMapsLast || axis == (isRow(step) || hasMapsLast ? -1 : -3) else {
        throw ONNXObstacle(.other("\(step.operation) over the axis \(axis)"))
      }
      guard softmax == nil else { throw ONNXObstacle(.other("\(step.operation) of a softmax")) }
      try checkLength(step)
      softmax = step.name
      move(step)
    case let operation:
      let plain = LayerSpecification.plainTypes.first { $0.onnxOperator == operation }
      add(plain.map { .plain($0.key) } ?? .other(operation), step)
    }
  }

  /// Takes the output of a node that changes no number for another name of its input.
  private mutating func pass(_ step: ONNXStep, isRow: Bool? = nil) {
    let output = step.outputs.first ?? ""
    if isRow ?? self.isRow(step) { rows.insert(output) }
    lengths[output] = lengths[reads(step)]
    current.insert(output)
  }

  private mutating func move(_ step: ONNXStep) {
    let (output, input) = (step.outputs.first ?? "", reads(step))
    // A product makes rows, a convolution maps; others leave what they read.
    let makesRows = ["Gemm", "MatMul"].contains(step.operation)
    rows = makesRows || step.operation != "Conv" && rows.contains(input) ? [output] : []
    let length = makesRows || step.operation == "Conv" ? nil : lengths[input]
    lengths = length.map { [output: $0] } ?? [:]
    current = [output]
    (parts, normed) = ([], [:])
  }

  /// The name of the data that a node reads.
  private func reads(_ step: ONNXStep) -> String {
    step.inputs.first { current.contains($0) } ?? ""
  }

  /// Whether a node reads rows of numbers.
  private func isRow(_ step: ONNXStep) -> Bool { rows.contains(reads(step)) }

  // MARK: Nodes that change no number

  /// Checks that what a node computes with across the maps is what the last layer made.
  private func checkLength(_ step: ONNXStep) throws(ONNXObstacle) {
    guard let length = lengths[reads(step)], length.count != lastKernels else { return }
    throw ONNXObstacle(
      .other(
        "\(step.operation) across \(length.count) numbers of the Reshape \(quoted(length.step))"))
  }

  private func checkDropout(_ step: ONNXStep) throws(ONNXObstacle) {
    // Before version 7 an attribute says it, and training is usual where it is written.
    let isTraining: Bool =
      if step.inputs.count > 2, !step.inputs[2].isEmpty {
        step.constants.isFalse(step.inputs[2]) != true
      } else {
        step.attributes["is_test"] != nil && step.attributes.int("is_test", 0) == 0
      }
    guard isTraining else { return }
    throw ONNXObstacle(
      .unreadable(
        "the Dropout \(quoted(step.name)) is in training mode and draws at random; export the model "
          + "for evaluation (PyTorch: model.eval() first)"))
  }

  /// Without axes, or with those of the pixels, the images stay.
  private func checkSqueeze(_ step: ONNXStep) throws(ONNXObstacle) {
    let pixels = hasMapsLast ? [1, 2] : [2, 3]
    let input = step.inputs.dropFirst().first.flatMap { $0.isEmpty ? nil : $0 }
    let axes =
      input.map { step.constants.integers($0) ?? [0] } ?? step.attributes.ints("axes") ?? pixels
    guard axes.map({ $0 < 0 ? $0 + 4 : $0 }).sorted() == pixels, !isRow(step) else {
      throw ONNXObstacle(.other("Squeeze of the axes \(axes)"))
    }
  }

  private mutating func addReshape(_ step: ONNXStep) throws(ONNXObstacle) {
    guard
      let shape = step.inputs.dropFirst().first.flatMap(step.constants.integers)
        ?? step.attributes.ints("shape")
    else {
      // A computed shape keeps the number of images, and the weights that follow determine the rest.
      // None follow where rows are reshaped that a layer with weights made.
      guard !isRow(step) || lastKernels == nil else {
        throw ONNXObstacle(.other("Reshape to a computed shape"))
      }
      return pass(step, isRow: true)
    }
    let isRow = shape.count == 2
    guard isRow || shape.count == 4 && shape[2...] == [1, 1] else {
      throw ONNXObstacle(.other("Reshape to \(shape)"))
    }
    let (count, length) = (shape[0], shape[1])
    let keepsImages = count == 0 && step.attributes.int("allowzero", 0) == 0 || count == images
    // The length of one image decides, if it is given; or all the rest of each of the images.
    guard
      length > 0 || length == -1 && keepsImages || length == 0 && count == -1 && self.isRow(step)
    else { throw ONNXObstacle(.other("Reshape to \(shape), which mixes images")) }
    pass(step, isRow: isRow)
    let output = step.outputs.first ?? ""
    if !isRow { rows.remove(output) }
    if length > 0 { lengths[output] = (length, step.name) }
  }

  private func isFirst(_ step: ONNXStep) -> Bool { step.inputs.first.map(current.contains) == true }

  private mutating func add(
    _ kind: FileLayer.Kind, _ step: ONNXStep, weights: WeightTensor? = nil,
    biases: WeightTensor? = nil,
    layout: FileLayer.Layout = FileLayer.Layout()
  ) {
    // A file with thousands of unused nodes need not be kept in memory.
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

  private mutating func addConvolution(_ step: ONNXStep) throws(ONNXObstacle) {
    guard isFirst(step) else { throw ONNXObstacle(.other("Conv of constants")) }
    guard !hasMapsLast else { throw ONNXObstacle(.other("Conv across columns")) }
    try checkLength(step)
    let weights = try step.plainTensor(1, "weights")
    let biases = try step.plainTensor(2, "biases")
    guard let weights else { throw ONNXObstacle(.other("Conv without weights")) }
    let shape = Array(weights.shape.dropFirst(2))
    let size = step.attributes.ints("kernel_shape") ?? shape
    guard size == shape else {
      throw ONNXObstacle(.other("Conv whose kernel_shape is not that of its weights"))
    }
    add(
      .convolution(try step.window(size: size), groups: step.attributes.int("group", 1)), step,
      weights: weights, biases: biases)
  }

  private mutating func addGemm(_ step: ONNXStep) throws(ONNXObstacle) {
    let attributes = step.attributes
    guard isFirst(step), attributes.int("transA", 0) == 0,
      attributes.float("alpha", 1) == 1, attributes.float("beta", 1) == 1
    else { throw ONNXObstacle(.other("Gemm with factors")) }
    try addProduct(
      step, isTransposed: attributes.int("transB", 0) == 0,
      biases: try step.plainTensor(2, "biases"))
  }

  private mutating func addProduct(
    _ step: ONNXStep, isTransposed: Bool, biases: WeightTensor?
  ) throws(ONNXObstacle) {
    guard let weights = try step.numbers(1, "weights") else {
      throw ONNXObstacle(.other("\(step.operation) without weights"))
    }
    var layout = FileLayer.Layout()
    layout.isTransposed = isTransposed != weights.isTransposed
    // All numbers of an image are read at once, so that no Reshape before can have mixed them.
    let inputs = layout.isTransposed ? weights.tensor.shape.first : weights.tensor.shape.last
    if let length = lengths[reads(step)], length.count != inputs {
      throw ONNXObstacle(
        .other("\(step.operation) of \(length.count) numbers with weights for \(inputs ?? 0)"))
    }
    guard isRow(step) || weights.tensor.shape.count != 2 || lastKernels == nil else {
      throw ONNXObstacle(.other("\(step.operation) of maps that are not flattened"))
    }
    layout.hasMapsLast = takeMapsLast()
    add(.fullyConnected, step, weights: weights.tensor, biases: biases, layout: layout)
  }

  /// Handles an Add of one number per kernel after a layer without biases.
  private mutating func addBiases(_ step: ONNXStep) throws(ONNXObstacle) {
    guard softmax == nil, let last = layers.last, let weights = last.weights, last.biases == nil,
      let place = step.inputs.firstIndex(where: { !current.contains($0) }),
      let bias = try step.plainTensor(place, "biases")
    else { throw ONNXObstacle(.other("Add")) }
    let kernels = (last.layout.isTransposed ? weights.shape.last : weights.shape.first) ?? 0
    // Along the maps: [kernels] after a matrix product, [kernels, 1, 1] after a convolution.
    let tail = !isRow(step) && !hasMapsLast ? [kernels, 1, 1] : [kernels]
    guard bias.shape.count >= tail.count,
      bias.shape.drop(while: { $0 == 1 }).elementsEqual(tail.drop(while: { $0 == 1 }))
    else {
      throw ONNXObstacle(.other("Add of \(bias.shape) numbers, which are not one a kernel"))
    }
    layers[layers.count - 1].biases = WeightTensor(name: bias.name, shape: [kernels])
    move(step)
  }

  // MARK: Pooling and norms

  private mutating func addPooling(_ step: ONNXStep) throws(ONNXObstacle) {
    let isMaximum = step.operation == "MaxPool"
    guard !hasMapsLast else { throw ONNXObstacle(.other("\(step.operation) across columns")) }
    let window = try step.window(size: step.attributes.ints("kernel_shape") ?? [])
    // The mean of a single pixel is the pixel itself.
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

  /// Handles the parts of a normalisation in towers: Split, one LRN per part, Concat.
  private mutating func stepInTowers(_ step: ONNXStep, _ reads: [String]) -> Bool {
    if step.operation == "Split", reads.count == 1, current.contains(reads[0]),
      step.attributes.int("axis", 0) == 1, step.outputs.count > 1, softmax == nil, !hasMapsLast,
      let lengths = lengths(step), lengths.count == step.outputs.count
    {
      parts = zip(step.outputs, lengths).map { (name: $0, maps: $1) }
      normed = [:]
      return true
    }
    guard let first = reads.first, !parts.isEmpty else { return false }
    if step.operation == "LRN", let part = parts.firstIndex(where: { $0.name == first }),
      let output = step.outputs.first
    {
      normed[output] = (part, step.norm)
      return true
    }
    let all = reads.compactMap { normed[$0] }
    guard step.operation == "Concat", step.attributes.int("axis", 0) == 1, all.count == reads.count,
      all.map(\.part) == Array(parts.indices), all.allSatisfy({ $0.norm == all[0].norm })
    else { return false }
    add(.responseNormalization(all[0].norm, parts: parts.map(\.maps)), step)
    return true
  }

  /// The number of maps in each part of a Split; nil if it cannot be read.
  private func lengths(_ step: ONNXStep) -> [Int]? {
    if let name = step.inputs.dropFirst().first, !name.isEmpty {
      return step.constants.integers(name)
    }
    if let lengths = step.attributes.ints("split") { return lengths }
    // Without sizes the parts are equal, except the last one.
    guard let last = layers.last(where: { $0.weights != nil }), let weights = last.weights,
      let maps = last.layout.isTransposed ? weights.shape.last : weights.shape.first
    else { return nil }
    let length = (maps + step.outputs.count - 1) / step.outputs.count
    return step.outputs.indices.map { max(0, min(length, maps - $0 * length)) }
  }
}
