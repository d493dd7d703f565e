import Checkpoints
import Layers
import Networks
import Safetensors
import System

/// Adds a network's layers to a graph: all towers as one network whose convolutions have groups.
struct ONNXLayers {
  var graph = ONNXGraph()

  /// Returns the numbers of a tensor by its name and shape.
  typealias Values = (_ name: String, _ shape: [Int]) throws(Failure) -> [Float]

  private let values: Values
  private let network: NetworkSpecification
  /// The shapes of each tower's layers.
  private let shapes: [[LayerShape]]
  /// Whether the feature maps have become rows of numbers, images x neurons.
  private var isFlat = false

  init(_ network: NetworkSpecification, _ values: @escaping Values) {
    self.values = values
    self.network = network
    shapes = (0..<network.towers).map { network.shapes(ofTower: $0) }
  }

  /// Adds every layer and returns the name of the logits.
  mutating func add(from input: String) throws(Failure) -> String {
    var maps = input
    for (number, layer) in network.layers.enumerated() {
      maps = try add(layer, number, maps)
    }
    return maps
  }

  private mutating func add(
    _ layer: LayerSpecification, _ number: Int, _ maps: String
  ) throws(Failure) -> String {
    let name = layer.name
    guard !layer.traits.isIdentityAtTest else { return maps }
    switch layer {
    case .convolution(let convolution):
      return try add(convolution, number, unflattened(maps, number))
    case .fullyConnected(let connected): return try add(connected, number, maps)
    case .relu(let unit): return add(unit, maps)
    case .tanh(let unit): return add(unit, maps)
    case .dropout(let dropout):
      // Without scaling in training, every output is scaled at test (paper, 4.2).
      let kept = graph.constant(name + ".kept", [], [1 - Float(dropout.probability)])
      return graph.add("Mul", [maps, kept], name: name)
    case .maxPooling(let pooling):
      return graph.add(
        "MaxPool", [unflattened(maps, number)], name: name, window(pooling.window, number))
    case .averagePooling(let pooling):
      // The mean over the existing pixels.
      return graph.add(
        "AveragePool", [unflattened(maps, number)], name: name,
        window(pooling.window, number) + [("count_include_pad", .int(0))])
    case .responseNormalization(let norm):
      // ONNX divides alpha by the size, the paper does not.
      let settings: [(String, ONNXGraph.Attribute)] = [
        ("size", .int(norm.size)), ("alpha", .float(norm.scale * Double(norm.size))),
        ("beta", .float(norm.exponent)), ("bias", .float(norm.constant)),
      ]
      return try eachTower(unflattened(maps, number), number, name) { layers, maps, _, name in
        layers.graph.add("LRN", [maps], name: name, settings)
      }
    case .spatialNormalization(let norm): return add(norm, unflattened(maps, number))
    }
  }

  private mutating func add<Unit: PlainLayer>(_ layer: Unit, _ maps: String) -> String {
    graph.add(Unit.onnxOperator, [maps], name: layer.name)
  }

  // MARK: Layers with weights

  private mutating func add(
    _ layer: ConvolutionSpecification, _ number: Int, _ maps: String
  ) throws(Failure) -> String {
    let tensor = layer.tensorName
    let first = shapes[0][number]
    let weight = try values(tensor + ".weight", kernelShape(layer, first))
    let bias = try values(tensor + ".bias", [layer.kernels])
    let sliding = window(layer.window, number)
    let maps = copies(maps, number)
    func settings(_ groups: Int) -> [(String, ONNXGraph.Attribute)] {
      sliding + [("group", .int(groups))]
    }
    let readsAll = readsPicture(number) || layer.reads == .all
    let readsOwn = !readsAll && layer.reads == .own
    let isEven = shapes.allSatisfy {
      $0[number].kernels.count == first.kernels.count && $0[number].inputs == first.inputs
    }
    if network.towers == 1 || (readsAll && layer.groups == 1) || (readsOwn && isEven) {
      let groups = readsAll ? layer.groups : network.towers * layer.groups
      return graph.add(
        "Conv",
        [
          maps, graph.constant(tensor + ".weight", kernelShape(layer, first), weight),
          graph.constant(tensor + ".bias", [layer.kernels], bias),
        ], name: layer.name, settings(groups))
    }
    return try eachTower(maps, number, layer.name) { layers, maps, shape, name in
      let length = weight.count / layer.kernels
      let rows = shape.kernels.lowerBound * length..<shape.kernels.upperBound * length
      let kernels = [shape.kernels.count] + layers.kernelShape(layer, shape).dropFirst()
      return layers.graph.add(
        "Conv",
        [
          maps, layers.graph.constant(name + ".weight", kernels, Self.part(rows, of: weight)),
          layers.graph.constant(
            name + ".bias", [shape.kernels.count], Self.part(shape.kernels, of: bias)),
        ], name: name, settings(layer.groups))
    }
  }

  private mutating func add(
    _ layer: FullyConnectedSpecification, _ number: Int, _ maps: String
  ) throws(Failure) -> String {
    let tensor = layer.tensorName
    let length = shapes[0][number].inputs.reduce(0) { $0 + $1.count }
    let weight = try values(tensor + ".weight", [layer.kernels, length])
    let bias = try values(tensor + ".bias", [layer.kernels])
    // W x + b with W as stored in the file, neurons x inputs.
    let settings: [(String, ONNXGraph.Attribute)] = [("transB", .int(1))]
    if network.towers == 1 || readsPicture(number) || layer.reads == .all {
      let flat = flattened(copies(maps, number), layer.name)
      isFlat = true
      return graph.add(
        "Gemm",
        [
          flat, graph.constant(tensor + ".weight", [layer.kernels, length], weight),
          graph.constant(tensor + ".bias", [layer.kernels], bias),
        ], name: layer.name, settings)
    }
    let wasFlat = isFlat
    let result = try eachTower(maps, number, layer.name) { layers, maps, shape, name in
      layers.isFlat = wasFlat
      let rows = shape.kernels.lowerBound * length..<shape.kernels.upperBound * length
      let flat = layers.flattened(maps, name)
      return layers.graph.add(
        "Gemm",
        [
          flat,
          layers.graph.constant(
            name + ".weight", [shape.kernels.count, length],
            Self.part(rows, of: weight)),
          layers.graph.constant(
            name + ".bias", [shape.kernels.count], Self.part(shape.kernels, of: bias)),
        ], name: name, settings)
    }
    isFlat = true
    return result
  }

  /// Part of a tensor's numbers; none where only the graph is wanted.
  private static func part(_ range: Range<Int>, of numbers: [Float]) -> [Float] {
    numbers.isEmpty ? [] : Array(numbers[range])
  }

  private func kernelShape(_ layer: ConvolutionSpecification, _ shape: LayerShape) -> [Int] {
    [layer.kernels] + layer.kernel(over: shape.inputs).canonical
  }

  // MARK: Windows, norms, towers

  /// Padding on the left and top as specified; on the right and bottom as much as the last window
  /// needs.
  private func window(_ window: Window, _ number: Int) -> [(String, ONNXGraph.Attribute)] {
    let shape = shapes[0][number]
    func end(_ places: Int, _ length: Int) -> Int {
      max(0, (places - 1) * window.stride + window.size - length - window.padding)
    }
    let (output, input) = (shape.output, shape.inputs[0])
    return [
      ("kernel_shape", .ints([window.size, window.size])),
      ("strides", .ints([window.stride, window.stride])),
      (
        "pads",
        .ints([
          window.padding, window.padding, end(output.height, input.height),
          end(output.width, input.width),
        ])
      ),
    ]
  }

  /// y = x (constant + scale * sum of x^2 over the window)^-exponent; the sum is a mean times the
  /// window's pixels.
  private mutating func add(_ norm: SpatialNormalizationSpecification, _ maps: String) -> String {
    let name = norm.name
    let area = Double(norm.size * norm.size)
    let squares = graph.add("Mul", [maps, maps], name: name + ".squares")
    let edge = norm.size / 2
    let mean = graph.add(
      "AveragePool", [squares], name: name + ".mean",
      [
        ("kernel_shape", .ints([norm.size, norm.size])),
        ("pads", .ints([edge, edge, edge, edge])), ("count_include_pad", .int(1)),
      ])
    let scaled = graph.add(
      "Mul", [mean, graph.constant(name + ".scale", [], [Float(norm.scale * area)])],
      name: name + ".scaled")
    let sum = graph.add(
      "Add", [scaled, graph.constant(name + ".constant", [], [Float(norm.constant)])],
      name: name + ".sum")
    let power = graph.add(
      "Pow", [sum, graph.constant(name + ".exponent", [], [Float(-norm.exponent)])],
      name: name + ".power")
    return graph.add("Mul", [maps, power], name: name)
  }

  /// Adds nodes for the maps that each tower reads (its own or those of several towers) and joins
  /// the results; with one tower, only once.
  private mutating func eachTower(
    _ maps: String, _ number: Int, _ name: String,
    _ body: (inout ONNXLayers, _ maps: String, LayerShape, _ name: String) throws(Failure) -> String
  ) throws(Failure) -> String {
    // Before a layer with weights, all towers treat the picture in the same way.
    guard network.towers > 1, !readsPicture(number) || network.layers[number].hasWeights else {
      return try body(&self, maps, shapes[0][number], name)
    }
    let towers = shapes.indices.map { "\(name).tower\($0)" }
    var parts = [String](repeating: maps, count: network.towers)
    if !readsPicture(number) {
      let lengths = shapes.map { shapes in
        let own = shapes[number - 1].output
        return isFlat ? own.count : own.maps
      }
      let split = graph.add(
        "Split", [maps, graph.constant(name + ".maps", lengths)], name: name + ".split",
        [("axis", .int(1))], outputs: towers.map { $0 + ".maps" })
      parts = shapes.indices.map { tower in
        let read = shapes[tower][number].reads
        return read.count == 1
          ? split[read[0]]
          : graph.add(
            "Concat", read.map { split[$0] }, name: towers[tower] + ".read", [("axis", .int(1))])
      }
    }
    var results: [String] = []
    for tower in shapes.indices {
      results.append(try body(&self, parts[tower], shapes[tower][number], towers[tower]))
    }
    return graph.add("Concat", results, name: name, [("axis", .int(1))])
  }

  private func readsPicture(_ number: Int) -> Bool { network.readsPicture(network.layers[number]) }

  /// The picture once for each tower that reads it; a layer after others reads each tower's own
  /// version.
  private mutating func copies(_ maps: String, _ number: Int) -> String {
    let count = shapes[0][number].reads.count
    guard readsPicture(number), count > 1 else { return maps }
    return graph.add(
      "Concat", [String](repeating: maps, count: count),
      name: network.layers[number].name + ".read", [("axis", .int(1))])
  }

  private mutating func flattened(_ maps: String, _ name: String) -> String {
    isFlat ? maps : graph.add("Flatten", [maps], name: name + ".flat")
  }

  /// Neurons as one-pixel maps, for layers that read maps.
  private mutating func unflattened(_ maps: String, _ number: Int) -> String {
    guard isFlat else { return maps }
    isFlat = false
    let count = shapes.reduce(0) { $0 + $1[number - 1].output.count }
    let name = network.layers[number].name
    // 0 keeps the number of images.
    return graph.add(
      "Reshape", [maps, graph.constant(name + ".shape", [0, count, 1, 1])], name: name + ".pixels")
  }
}
