/// Shows a path or name in a message, between quotes: control characters and bytes that no terminal should see are escaped.
public func quoted(_ text: String) -> String { "'" + escaped(text) + "'" }

/// A text with its control characters, and what was no text, as `\u{1b}`.
/// - Parameters:
///   - text: What may come from anywhere.
///   - kept: A control character that stays as it is.
/// - Returns: The text as it may be shown.
func escaped(_ text: String, but kept: Unicode.Scalar? = nil) -> String {
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
  /// Whether it is no letter but moves the cursor, ends a line, or stands for bytes that are no text.
  public var isControl: Bool {
    switch properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator: true
    default: self == "\u{FFFD}"
    }
  }
}
