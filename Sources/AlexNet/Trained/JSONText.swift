package import Failures
import Foundation

/// JSON texts of checkpoints and run directories.
package enum JSONText {
  /// The value as JSON, keys in order.
  package static func encode(_ value: some Encodable, isPretty: Bool = true) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting =
      isPretty
      ? [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      : [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    guard let data = try? encoder.encode(value) else {
      preconditionFailure("The value is encodable.")
    }
    return String(decoding: data, as: UTF8.self)
  }

  /// The value that a text stands for.
  /// - Throws: `Failure` (badData) that names the file which the text is from.
  package static func decode<Value: Decodable>(
    _ type: Value.Type, _ text: String, from path: String
  ) throws(Failure) -> Value {
    do {
      return try JSONDecoder().decode(type, from: Data(text.utf8))
    } catch {
      throw Failure(
        .badData, "\(quoted(path)) holds settings that this version does not understand: \(error).")
    }
  }
}
