/// Comma-separated values as RFC 4180 has them.
public enum CSV {
  /// A line of fields; those with commas, quotes or line ends are quoted.
  public static func line(_ fields: [String]) -> String {
    fields.map(field).joined(separator: ",")
  }

  // By scalars, as other programs read: a quote with a combining mark behind it is one Character, and no quote.
  private static func field(_ text: String) -> String {
    let scalars = text.unicodeScalars
    guard scalars.contains(where: { [",", "\"", "\n", "\r"].contains($0) }) else { return text }
    return "\""
      + String(String.UnicodeScalarView(scalars.flatMap { $0 == "\"" ? [$0, $0] : [$0] })) + "\""
  }
}
