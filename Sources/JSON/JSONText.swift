import Foundation
package import System

/// The one way in which this program reads and writes JSON.
///
/// A text is held against its bounds before Foundation's parser sees it, which makes an object of a hundred times the length of
/// every value.
package enum JSONText {
  /// What a text may have at most.
  package struct Bounds: Sendable {
    /// Levels of arrays and objects.
    package let depth: Int
    /// Arrays, objects and commas.
    package let values: Int

    /// Sets bounds; those that are left out fit every file of this program, a dataset of a hundred thousand classes included.
    package init(depth: Int = 32, values: Int = 1 << 20) {
      self.depth = depth
      self.values = values
    }
  }

  /// The most bytes of a file that people write by hand, a network's description say.
  package static let longestByHand = 16 << 20

  // MARK: Writing

  /// The value as JSON, keys in order.
  ///
  /// What a terminal would obey is written as `\u001b` and stays in the data.
  package static func encode(_ value: some Encodable, isPretty: Bool = true) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting =
      isPretty
      ? [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      : [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    guard let data = try? encoder.encode(value) else {
      preconditionFailure("The value cannot be encoded.")
    }
    return withEscapes(String(decoding: data, as: UTF8.self))
  }

  /// Escapes what JSON itself leaves as it is: only its texts can hold such letters.
  private static func withEscapes(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: { $0.isControl && $0 != "\n" }) else { return text }
    var shown = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      // The ends of lines between the members; those in texts are escaped already.
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

  /// Checks that a text keeps its bounds, and that no object names a member twice; what is not JSON is left to the parser.
  /// - Throws: `Failure` (badData) that names the file which the text is from.
  private static func check(
    _ text: ArraySlice<UInt8>, _ bounds: Bounds, from path: String
  ) throws(Failure) {
    if let problem = problem(in: text, bounds) {
      throw Failure(.badData, "\(quoted(path)) cannot be read as JSON: it \(problem).")
    }
  }

  /// Why a text is not given to the parser, as a phrase, `is nested more than 8 deep`; nil if it may be.
  package static func problem(in text: ArraySlice<UInt8>, _ bounds: Bounds = Bounds()) -> String? {
    switch JSONOutline.problem(in: text, depth: bounds.depth, values: bounds.values) {
    case .tooDeep: "is nested more than \(bounds.depth) deep"
    case .tooMany: "holds more than \(bounds.values) values"
    case .duplicate(let name): "names \(quoted(name)) twice"
    case nil: nil
    }
  }

  /// The value that a text stands for.
  /// - Throws: `Failure` (badData) if the text does not keep its bounds, and what the parser throws.
  package static func value<Value: Decodable>(
    _ type: Value.Type, _ text: [UInt8], _ bounds: Bounds = Bounds(), from path: String
  ) throws -> Value {
    try check(text[...], bounds, from: path)
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return try decoder.decode(type, from: Data(text))
  }

  /// The value that a text of a checkpoint or a run stands for.
  /// - Throws: `Failure` (badData) that names the file which the text is from.
  package static func decode<Value: Decodable>(
    _ type: Value.Type, _ text: String, from path: String
  ) throws(Failure) -> Value {
    do {
      return try value(type, Array(text.utf8), from: path)
    } catch let failure as Failure {
      throw failure
    } catch {
      throw Failure(
        .badData, "\(quoted(path)) holds settings that this version does not understand: \(error).")
    }
  }

  /// The object, with whatever members, that a text stands for; nil if it is none, or does not keep the bounds.
  package static func object(_ text: ArraySlice<UInt8>) -> [String: Any]? {
    problem(in: text) == nil ? object(checked: text) : nil
  }

  /// The object, with whatever members, that a text which keeps its bounds stands for; nil if it is none.
  package static func object(checked text: ArraySlice<UInt8>) -> [String: Any]? {
    (try? JSONSerialization.jsonObject(with: Data(text))) as? [String: Any]
  }
}
