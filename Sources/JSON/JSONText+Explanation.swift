import System

extension JSONText {
  /// What a decoder complains of, in words and with its place, `a number is expected at .seed`.
  static func explanation(_ error: DecodingError) -> String {
    func place(_ context: DecodingError.Context) -> String {
      let path = context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? ".\($0.stringValue)" }
      return path.isEmpty ? "" : " at \(escaped(path.joined()))"
    }
    switch error {
    case .keyNotFound(let key, let context):
      return "\(quoted(key.stringValue)) is missing\(place(context))"
    case .typeMismatch(let type, let context): return "\(noun(type)) is expected\(place(context))"
    case .valueNotFound(_, let context): return "a value is missing\(place(context))"
    case .dataCorrupted(let context): return "\(context.debugDescription)\(place(context))"
    @unknown default: return "\(error)"
    }
  }

  /// What a type is in JSON.
  private static func noun(_ type: any Any.Type) -> String {
    if type is String.Type { return "a text in quotes" }
    if type is Bool.Type { return "true or false" }
    if type is any BinaryInteger.Type { return "a whole number" }
    if type is any BinaryFloatingPoint.Type { return "a number" }
    let name = "\(type)"
    if name.hasPrefix("Dictionary") { return "an object in braces" }
    if name.hasPrefix("Array") { return "a list in brackets" }
    return "a value of type \(name)"
  }
}
