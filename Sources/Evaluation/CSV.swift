import System

/// Comma-separated values as RFC 4180 has them, which people open in spreadsheets.
package enum CSV {
  /// A line of fields.
  ///
  /// Those with commas, quotes or line ends are quoted. A text that a spreadsheet would compute as a formula, since it begins
  /// with `=`, `+`, `-` or `@`, has an apostrophe in front, as OWASP advises; numbers stay as they are. Other control characters
  /// are escaped; JSON has names as they are.
  package static func line(_ fields: [String]) -> String {
    fields.map(field).joined(separator: ",")
  }

  /// The last four are how East Asian keyboards write the others; spreadsheets know them.
  private static let formulas: Set<Unicode.Scalar> = ["=", "+", "-", "@", "＝", "＋", "－", "＠"]

  // By scalars, as other programs read: a quote with a combining mark behind it is one Character, and no quote.
  private static func field(_ text: String) -> String {
    let isFormula =
      text.unicodeScalars.first.map(formulas.contains) == true && Double(text) == nil
    let shown = (isFormula ? "'" : "") + plain(text)
    let scalars = shown.unicodeScalars
    guard scalars.contains(where: { [",", "\"", "\n"].contains($0) }) else { return shown }
    return "\""
      + String(String.UnicodeScalarView(scalars.flatMap { $0 == "\"" ? [$0, $0] : [$0] })) + "\""
  }

  /// A text in which nothing but the ends of lines is left that a terminal would obey.
  private static func plain(_ text: String) -> String {
    let newLine = UInt8(ascii: "\n")
    return text.utf8.split(separator: newLine, omittingEmptySubsequences: false).map { line in
      // Before the end of a line on Windows, not at the end of the text.
      let hasReturn = line.last == UInt8(ascii: "\r") && line.endIndex < text.utf8.endIndex
      return escaped(String(decoding: hasReturn ? line.dropLast() : line, as: UTF8.self))
        + (hasReturn ? "\r" : "")
    }.joined(separator: "\n")
  }
}
