import CProtobuf
import System

/// The attributes of a node.
struct ONNXAttributes {
  private var values: [String: Onnx__Attribute] = [:]

  init(_ attributes: [Onnx__Attribute]) {
    for attribute in attributes { values[text(attribute.name)] = attribute }
  }

  /// A setting's value.
  enum Setting: Equatable {
    case int(Int)
    case ints([Int])
    case float(Double)
    case word(String)
    /// A value of another type, as a tensor.
    case other

    /// Whether both are the same but for the rounding of 32 bits.
    func isNear(_ setting: Setting) -> Bool {
      if case .float(let number) = self, case .float(let other) = setting {
        return abs(number - other) <= 1e-6 * abs(number)
      }
      return self == setting && self != .other
    }

    /// The value for messages.
    var words: String {
      switch self {
      case .int(let number): "\(number)"
      case .ints(let numbers): "\(numbers)"
      case .float(let number): plain(number, digits: 6)
      case .word(let word): quoted(word)
      case .other: "of another type"
      }
    }
  }

  /// The names of the settings that are given.
  var names: Set<String> { Set(values.keys) }

  /// A setting of any type; nil if it is not given.
  subscript(name: String) -> Setting? {
    guard let value = values[name] else { return nil }
    if value.t != nil { return .other }
    // Old files leave out the type.
    guard value.has_type != 0, value.type != 0 else {
      if value.n_ints > 0 { return .ints(ints(name) ?? []) }
      if value.has_f != 0 { return .float(Double(value.f)) }
      if value.has_i != 0 { return .int(Int(value.i)) }
      return value.has_s != 0 ? .word(word(name)) : .other
    }
    return switch ONNXAttributeType(rawValue: value.type) {
    case .ints: .ints(ints(name) ?? [])
    case .float: .float(Double(value.f))
    case .int: .int(Int(value.i))
    case .text: .word(word(name))
    case nil: .other
    }
  }

  /// Forgets a setting.
  mutating func remove(_ name: String) { values[name] = nil }

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
