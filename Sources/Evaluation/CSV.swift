import System

/// Comma-separated values as in RFC 4180, safe to open in spreadsheets.
package enum CSV {
  /// A line of fields.
  ///
  /// Fields with commas, quotes or line ends are quoted. A text that a spreadsheet would treat as a
  /// formula, since it begins with `=`, `+`, `-` or `@`, gets an apostrophe in front, as OWASP
  /// advises; numbers stay as they are. Other control characters are escaped; JSON has names as
  /// they are.
  package static func line(_ fields: [String]) -> String {
    fields.map(field).joined(separator: ",")
  }

  /// The last four are the full-width forms that East Asian keyboards write; spreadsheets accept
  /// them.
  private static let formulas: Set<Unicode.Scalar> = ["=", "+", "-", "@", "＝", "＋", "－", "＠"]

  // By Unicode scalars, as other programs read: a quote followed by a combining mark is one
  // Character, different from a quote.
  private static func field(_ text: String) -> String {
    let isFormula =
      text.unicodeScalars.first.map(formulas.contains) == true && Double(text) == nil
    let shown = (isFormula ? "'" : "") + plain(text)
    let scalars = shown.unicodeScalars
    guard scalars.contains(where: { [",", "\"", "\n"].contains($0) }) else { return shown }
    return "\""
      + String(String.UnicodeScalarView(scalars.flatMap { $0 == "\"" ? [$0, $0] : [$0] })) + "\""
  }

  /// A text without control characters that affect a terminal, except line ends.
  private static func plain(_ text: String) -> String {
    let newLine = UInt8(ascii: "\n")
    return text.utf8.split(separator: newLine, omittingEmptySubsequences: false).map { line in
      // Part of a Windows line end, not at the end of the text.
      let hasReturn = line.last == UInt8(ascii: "\r") && line.endIndex < text.utf8.endIndex
      return escaped(String(decoding: hasReturn ? line.dropLast() : line, as: UTF8.self))
        + (hasReturn ? "\r" : "")
    }.joined(separator: "\n")
  }
}
