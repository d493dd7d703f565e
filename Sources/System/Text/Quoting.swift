/// A path or name in quotes for a message, with control characters and invalid bytes escaped.
package func quoted(_ text: String) -> String { "'" + escaped(text) + "'" }

/// A text for people, with control characters and invalid bytes as `\u{1b}`.
///
/// Names of files and classes come from anywhere, and a terminal obeys control characters.
/// - Parameters:
///   - text: A text from anywhere.
///   - kept: A control character that is not escaped.
/// - Returns: The escaped text.
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
  /// Whether it moves the cursor, ends a line, changes the text direction, or stands for invalid
  /// bytes.
  package var isControl: Bool {
    // Most characters are printable ASCII, and need no table.
    if (0x20..<0x7F).contains(value) { return false }
    switch properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator: return true
    default: return properties.isBidiControl || self == "\u{FFFD}"
    }
  }
}

/// A word as one would type it for a shell: quoted where the shell needs it.
package func shellWord(_ word: String) -> String {
  let isPlain = word.allSatisfy {
    $0.isASCII && ($0.isLetter || $0.isNumber || "-_./:=,+@%".contains($0))
  }
  return isPlain && !word.isEmpty ? word : "'" + word.replacing("'", with: "'\\''") + "'"
}
