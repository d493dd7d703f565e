import CProtobuf

/// The values in an ONNX graph that do not depend on the input: constants, and what nodes compute
/// from them.
///
/// Nodes that do not change numbers but only their name, shape or order (Identity, Cast to a type
/// that holds them, Reshape, Squeeze, Unsqueeze, Transpose of a matrix) are followed. For the
/// output of any other node, only the reason why it cannot be read is stored, so that it is not
/// mistaken for missing.
struct ONNXConstants {
  /// The numbers of a constant in the file.
  struct Numbers {
    /// The constant's name, and the shape of its numbers where they are used.
    var tensor: WeightTensor
    /// Whether they are transposed on the way.
    var isTransposed = false
    /// ONNX's number of the type in which they are stored.
    let type: Int32
  }

  /// The value of a name.
  enum Value {
    case numbers(Numbers)
    /// Why it cannot be read, and what to do.
    case unreadable(String)
  }

  private var values: [String: Value] = [:]
  private var lists: [String: [Int]] = [:]
  private var factors: [String: Double] = [:]
  private var truths: [String: Bool] = [:]

  /// Collects a graph's constants.
  /// - Parameters:
  ///   - constants: All of them.
  ///   - readable: The floating-point constants, by name.
  ///   - unreadable: Why other constants cannot be read, by name.
  init(
    _ constants: [(name: String, tensor: Onnx__Tensor)], readable: [String: WeightTensor],
    unreadable: [String: String]
  ) {
    for (name, tensor) in constants {
      values[name] =
        readable[name].map { .numbers(Numbers(tensor: $0, type: tensor.data_type)) }
        ?? .unreadable(unreadable[name] ?? "it is damaged")
      lists[name] = ONNXTensor.integers(tensor)
      factors[name] = Self.factor(tensor)
      truths[name] = ONNXTensor.truth(tensor)
    }
  }

  /// The value of a name; nil if it depends on the input.
  subscript(name: String) -> Value? { values[name] }

  /// The integers of a list; nil if there is no readable list with this name.
  func integers(_ name: String) -> [Int]? { lists[name] }

  /// A single number; nil if there is no readable number with this name.
  func number(_ name: String) -> Double? { factors[name] }

  /// Whether a constant is the truth value "false"; nil if it is no readable truth value.
  func isFalse(_ name: String) -> Bool? { truths[name].map { !$0 } }

  /// Records a node's output, if the node reads only constants and shapes.
  /// - Returns: Whether it does.
  mutating func note(
    _ operation: String, _ inputs: [String], _ outputs: [String], _ attributes: ONNXAttributes
  ) -> Bool {
    // Those three also read whatever the graphs within them name, and do not list it.
    guard !["If", "Loop", "Scan"].contains(operation),
      operation == "Shape" || inputs.allSatisfy({ $0.isEmpty || values[$0] != nil })
    else { return false }
    let numbers = followed(operation, inputs, attributes)
    // A Constant's tensor was recorded before.
    for output in outputs where values[output] == nil {
      values[output] = numbers.map { .numbers($0) } ?? .unreadable(Self.reason(operation))
    }
    if let output = outputs.first, lists[output] == nil {
      switch operation {
      case "Constant": lists[output] = attributes.ints("value_ints")
      case "Identity": lists[output] = inputs.first.flatMap { lists[$0] }
      default: break
      }
    }
    if operation == "Identity" || operation == "Cast", numbers != nil, let output = outputs.first {
      factors[output] = inputs.first.flatMap { factors[$0] }
    }
    if operation == "Identity", let output = outputs.first {
      truths[output] = inputs.first.flatMap { truths[$0] }
    }
    return true
  }

  private static func reason(_ operation: String) -> String {
    operation == "DequantizeLinear"
      ? "a DequantizeLinear node computes them; export the network as it was before it was "
        + "quantised"
      : "a node of type \(operation) computes them; fold the constants first, as onnxruntime does "
        + "when it saves the model at the level ORT_ENABLE_BASIC "
        + "(SessionOptions.optimized_model_filepath)"
  }

  /// The numbers that a node passes on unchanged; nil if it changes them.
  private func followed(
    _ operation: String, _ inputs: [String], _ attributes: ONNXAttributes
  ) -> Numbers? {
    guard case .numbers(var numbers)? = inputs.first.flatMap({ values[$0] }) else { return nil }
    /// A list that is an attribute in old versions of an operator, and an input in new ones.
    func list(_ attribute: String) -> [Int]? {
      inputs.dropFirst().first.flatMap { lists[$0] } ?? attributes.ints(attribute)
    }
    let shape = numbers.tensor.shape
    var other: [Int]?
    switch operation {
    case "Identity": return numbers
    // 32 and 64 bits hold everything that is read here, and a type holds its own numbers; other
    // casts round.
    case "Cast":
      let exact = [
        ONNXElementType.float32.rawValue, ONNXElementType.float64.rawValue, numbers.type,
      ]
      let type = attributes.int("to", 0)
      return exact.contains { Int($0) == type } ? numbers : nil
    case "Transpose":
      guard shape.count == 2, attributes.ints("perm") ?? [1, 0] == [1, 0] else { return nil }
      numbers.isTransposed.toggle()
      return numbers
    case "Reshape": other = list("shape").flatMap { Self.reshaped(shape, $0) }
    case "Squeeze":
      let axes = list("axes")?.map { $0 < 0 ? $0 + shape.count : $0 }
      // Without axes, every dimension of length one is removed.
      let gone = axes ?? (inputs.count < 2 ? shape.indices.filter { shape[$0] == 1 } : [-1])
      guard gone.allSatisfy({ shape.indices.contains($0) && shape[$0] == 1 }) else { return nil }
      other = shape.indices.filter { !gone.contains($0) }.map { shape[$0] }
    case "Unsqueeze":
      guard let axes = list("axes") else { return nil }
      let rank = shape.count + axes.count
      var longer = shape
      for axis in axes.map({ $0 < 0 ? $0 + rank : $0 }).sorted() {
        guard longer.indices.contains(axis) || axis == longer.count else { return nil }
        longer.insert(1, at: axis)
      }
      other = longer
    default: return nil
    }
    guard let other, !numbers.isTransposed else { return nil }
    numbers.tensor = WeightTensor(name: numbers.tensor.name, shape: other)
    return numbers
  }

  /// The shape that a Reshape asks for: 0 keeps a length, -1 stands for the remaining elements.
  private static func reshaped(_ shape: [Int], _ wanted: [Int]) -> [Int]? {
    var lengths = wanted.enumerated().map { place, length in
      length == 0 && place < shape.count ? shape[place] : length
    }
    // The lengths in a damaged file can be anything, so their product may not fit an integer.
    func count(_ lengths: [Int]) -> Double { lengths.reduce(1) { $0 * Double($1) } }
    if let free = lengths.firstIndex(of: -1) {
      lengths[free] = 1
      let left = count(shape) / count(lengths)
      guard (1...0x1p40).contains(left), left == left.rounded() else { return nil }
      lengths[free] = Int(left)
    }
    return lengths.allSatisfy { $0 >= 0 } && count(lengths) == count(shape) ? lengths : nil
  }

  /// The value of a constant with one number.
  private static func factor(_ tensor: Onnx__Tensor) -> Double? {
    guard let constant = try? ONNXTensor(tensor, "", ""), constant.problem == nil,
      tensor.data_location != 1, constant.shape.allSatisfy({ $0 == 1 })
    else { return nil }
    return (try? constant.values(beside: ""))?.first.map { Double($0) }
  }
}
