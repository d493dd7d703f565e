import CProtobuf
import System

/// What an ONNX graph knows before it sees a picture: its constants, and what nodes make of them.
///
/// Nodes that leave numbers as they are and give them another name, shape or order (Identity, Cast to a type that holds
/// them, Reshape, Squeeze, Unsqueeze, Transpose of a matrix) are followed. Of what any other node makes only the reason is
/// known why it cannot be read: it is something, and must not be taken for nothing.
struct ONNXConstants {
  /// Numbers of a constant in the file.
  struct Numbers {
    /// The constant's name, and the shape that its numbers have where they are used.
    var tensor: WeightTensor
    /// Whether rows and columns change places on the way.
    var isTransposed = false
    /// ONNX's number of the type that they are kept in.
    let type: Int32
  }

  /// What a name stands for.
  enum Value {
    case numbers(Numbers)
    /// Why it cannot be read, and what to do.
    case unreadable(String)
  }

  private var values: [String: Value] = [:]
  private var lists: [String: [Int]] = [:]
  private var factors: [String: Double] = [:]

  /// Knows a graph's constants.
  /// - Parameters:
  ///   - constants: All of them.
  ///   - readable: Those of floating-point numbers, by their names.
  ///   - unreadable: Why the others are none, by their names.
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
    }
  }

  /// What a name stands for; nil if that depends on the pictures.
  subscript(name: String) -> Value? { values[name] }

  /// The integers of a list; nil if a name stands for none that can be read.
  func integers(_ name: String) -> [Int]? { lists[name] }

  /// A single number; nil if a name stands for none that can be read.
  func number(_ name: String) -> Double? { factors[name] }

  /// Takes note of what a node makes, if it reads constants and shapes alone.
  /// - Returns: Whether it does.
  mutating func note(
    _ operation: String, _ inputs: [String], _ outputs: [String], _ attributes: ONNXAttributes
  ) -> Bool {
    guard operation == "Shape" || inputs.allSatisfy({ $0.isEmpty || values[$0] != nil }) else {
      return false
    }
    let numbers = followed(operation, inputs, attributes)
    // A Constant's tensor is known already.
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
    return true
  }

  private static func reason(_ operation: String) -> String {
    operation == "DequantizeLinear"
      ? "a DequantizeLinear makes them; export the network as it was before it was quantised"
      : "a node of the type \(operation) makes them; fold the constants first, as onnxruntime does when it saves the model "
        + "at the level ORT_ENABLE_BASIC (SessionOptions.optimized_model_filepath)"
  }

  /// The numbers that a node passes on as they are; nil if it changes them.
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
    // 32 and 64 bits hold what is read here, and a type what was kept in it; others round.
    case "Cast":
      return [1, 11, Int(numbers.type)].contains(attributes.int("to", 0)) ? numbers : nil
    case "Transpose":
      guard shape.count == 2, attributes.ints("perm") ?? [1, 0] == [1, 0] else { return nil }
      numbers.isTransposed.toggle()
      return numbers
    case "Reshape": other = list("shape").flatMap { Self.reshaped(shape, $0) }
    case "Squeeze":
      let axes = list("axes")?.map { $0 < 0 ? $0 + shape.count : $0 }
      // Without axes every length of one goes.
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

  /// The shape of as many numbers that a Reshape asks for: 0 stands for the length as it was, -1 for what is left.
  private static func reshaped(_ shape: [Int], _ wanted: [Int]) -> [Int]? {
    var lengths = wanted.enumerated().map { place, length in
      length == 0 && place < shape.count ? shape[place] : length
    }
    // Lengths of a damaged file can be any: their product need not be an integer that there is.
    func count(_ lengths: [Int]) -> Double { lengths.reduce(1) { $0 * Double($1) } }
    if let free = lengths.firstIndex(of: -1) {
      lengths[free] = 1
      let left = count(shape) / count(lengths)
      guard (1...0x1p40).contains(left), left == left.rounded() else { return nil }
      lengths[free] = Int(left)
    }
    return lengths.allSatisfy { $0 >= 0 } && count(lengths) == count(shape) ? lengths : nil
  }

  /// The number of a constant of one number.
  private static func factor(_ tensor: Onnx__Tensor) -> Double? {
    guard let constant = try? ONNXTensor(tensor, "", ""), constant.problem == nil,
      tensor.data_location != 1, constant.shape.allSatisfy({ $0 == 1 })
    else { return nil }
    return (try? constant.values(beside: ""))?.first.map { Double($0) }
  }
}

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
