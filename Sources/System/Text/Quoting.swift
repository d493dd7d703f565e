/// Shows a path or name in a message, between quotes: control characters and bytes that no terminal should see are escaped.
package func quoted(_ text: String) -> String { "'" + escaped(text) + "'" }

/// A text as people may be shown it: its control characters, and what was no text, as `\u{1b}`.
///
/// Names of files and classes come from anywhere, and a terminal obeys what it is sent.
/// - Parameters:
///   - text: What may come from anywhere.
///   - kept: A control character that stays as it is.
/// - Returns: The text as it may be shown.
package func escaped(_ text: String, but kept: Unicode.Scalar? = nil) -> String {
  guard text.unicodeScalars.contains(where: { $0.isControl && $0 != kept }) else { return text }
  var shown = String.UnicodeScalarView()
  for scalar in text.unicodeScalars {
    if scalar.isControl && scalar != kept {
      shown += "\\u{\(String(scalar.value, radix: 16))}".unicodeScalars
    } else {
      shown.append(scalar)
    }
  }
  return String(shown)
}

extension Unicode.Scalar {
  /// Whether it is no letter but moves the cursor, ends a line, turns the order of the letters around it, or stands for bytes
  /// that are no text.
  package var isControl: Bool {
    // Most letters are plain ones, and need no table.
    if (0x20..<0x7F).contains(value) { return false }
    switch properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator: return true
    default: return properties.isBidiControl || self == "\u{FFFD}"
    }
  }
}
