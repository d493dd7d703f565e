import System

/// A key of a JSON object, whatever its name.
struct AnyKey: CodingKey, ExpressibleByStringLiteral {
  let stringValue: String
  var intValue: Int? { nil }

  init(stringLiteral value: String) { stringValue = value }
  init(stringValue: String) { self.stringValue = stringValue }
  init?(intValue: Int) { return nil }

  /// Makes sure that an object has no keys but the known ones, so that a misspelt setting is not
  /// taken for a default.
  static func check(
    _ decoder: any Decoder, _ known: some Sequence<String>, _ what: String
  ) throws {
    let known = Set(known)
    let values = try decoder.container(keyedBy: AnyKey.self)
    for key in values.allKeys where !known.contains(key.stringValue) {
      throw DecodingError.dataCorruptedError(
        forKey: key, in: values,
        debugDescription: "\(what) has no setting \(quoted(key.stringValue))")
    }
  }
}
