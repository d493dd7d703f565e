import Foundation
package import System

/// Reads and writes all of the program's JSON.
///
/// A text's limits are checked before Foundation's parser reads it, which makes an object a hundred
/// times as long as every value.
package enum JSONText {
  /// The limits for a text.
  package struct Bounds: Sendable {
    /// Levels of arrays and objects.
    package let depth: Int
    /// Arrays, objects and commas.
    package let values: Int

    /// Makes limits; the defaults fit every file of this program, including a dataset with a
    /// hundred thousand classes.
    package init(depth: Int = 32, values: Int = 1 << 20) {
      self.depth = depth
      self.values = values
    }
  }

  /// The largest hand-written file in bytes, such as a network description.
  package static let longestByHand = 16 << 20

  // MARK: Writing

  /// The value as JSON, with sorted keys.
  ///
  /// Control characters are written as `\u001b`, so the data keeps them.
  package static func encode(_ value: some Encodable, isPretty: Bool = true) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting =
      isPretty
      ? [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      : [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    guard let data = try? encoder.encode(value) else {
      preconditionFailure("The value must be encodable as JSON.")
    }
    return withEscapes(String(decoding: data, as: UTF8.self))
  }

  /// A text as JSON, between quotes, as the headers of safetensors hold it: with `\/` for a slash.
  package static func quotedText(_ text: String) -> String {
    guard let data = try? JSONEncoder().encode(text) else {
      preconditionFailure("The text cannot be encoded.")
    }
    return String(decoding: data, as: UTF8.self)
  }

  /// Escapes control characters that the encoder leaves as they are; they can only occur in
  /// strings.
  private static func withEscapes(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: { $0.isControl && $0 != "\n" }) else { return text }
    var shown = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      // Line ends between the members; those in strings are escaped already.
      guard scalar.isControl, scalar != "\n" else {
        shown.append(scalar)
        continue
      }
      for unit in UTF16.encode(scalar)?.map({ $0 }) ?? [] {
        let digits = String(unit, radix: 16)
        shown +=
          "\\u\(String(repeating: "0", count: 4 - digits.count))\(digits)".unicodeScalars
      }
    }
    return String(shown)
  }

  // MARK: Reading

  /// Checks that a text is within its limits, and that no object has a member twice.
  ///
  /// What is not JSON is left to the parser.
  /// - Throws: `Failure` (badData) that names the file of the text.
  package static func check(
    _ text: ArraySlice<UInt8>, _ bounds: Bounds = Bounds(), from path: String
  ) throws(Failure) {
    if let problem = problem(in: text, bounds) {
      throw Failure(.badData, "\(quoted(path)) cannot be read as JSON: it \(problem).")
    }
  }

  /// Why a text must not be parsed, as a phrase, `is nested more than 8 deep`; nil if it may be.
  package static func problem(in text: ArraySlice<UInt8>, _ bounds: Bounds = Bounds()) -> String? {
    switch JSONOutline.problem(in: text, depth: bounds.depth, values: bounds.values) {
    case .tooDeep: "is nested more than \(bounds.depth) deep"
    case .tooMany: "holds more than \(bounds.values) values"
    case .duplicate(let name): "names \(quoted(name)) twice"
    case nil: nil
    }
  }

  /// Decodes a text.
  /// - Throws: `Failure` (badData) if the text exceeds its limits or is no JSON, and what the
  ///   decoder throws.
  package static func value<Value: Decodable>(
    _ type: Value.Type, _ text: [UInt8], _ bounds: Bounds = Bounds(), from path: String
  ) throws -> Value {
    try check(text[...], bounds, from: path)
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    do { return try decoder.decode(type, from: Data(text)) } catch {
      guard case DecodingError.dataCorrupted(let context) = error, context.codingPath.isEmpty,
        let fault = fault(in: text)
      else { throw error }
      throw Failure(.badData, "\(quoted(path)) is not JSON: \(fault).")
    }
  }

  /// Decodes a text.
  /// - Parameters:
  ///   - type: What the text is to be.
  ///   - text: The text.
  ///   - bounds: Its limits.
  ///   - path: The file of the text, for messages.
  ///   - complaint: What is said of a file that is JSON but not this, `is damaged`; the reason
  ///     follows.
  /// - Returns: The value.
  /// - Throws: `Failure` (badData) that names the file of the text.
  package static func decode<Value: Decodable>(
    _ type: Value.Type, _ text: [UInt8], _ bounds: Bounds = Bounds(), from path: String,
    complaint: String
  ) throws(Failure) -> Value {
    do {
      return try value(type, text, bounds, from: path)
    } catch let failure as Failure {
      throw failure
    } catch {
      let reason = (error as? DecodingError).map(explanation) ?? "\(error)"
      throw Failure(.badData, "\(quoted(path)) \(complaint): \(reason).")
    }
  }

  /// Decodes a text that this program wrote, perhaps in another version.
  /// - Throws: `Failure` (badData) that names the file of the text.
  package static func decode<Value: Decodable>(
    _ type: Value.Type, _ text: String, from path: String
  ) throws(Failure) -> Value {
    try decode(
      type, Array(text.utf8), from: path,
      complaint: "holds something that this version does not understand")
  }

  /// Parses a text as an object with any members; nil if it is not one, or exceeds the limits.
  package static func object(_ text: ArraySlice<UInt8>) -> [String: Any]? {
    problem(in: text) == nil ? object(checked: text) : nil
  }

  /// Parses a text whose limits were checked as an object with any members; nil if it is not one.
  package static func object(checked text: ArraySlice<UInt8>) -> [String: Any]? {
    (try? JSONSerialization.jsonObject(with: Data(text))) as? [String: Any]
  }
}
