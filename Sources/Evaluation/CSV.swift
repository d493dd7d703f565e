/// Comma-separated values as RFC 4180 has them.
public enum CSV {
  /// A line of fields; those with commas, quotes or line ends are quoted.
  public static func line(_ fields: [String]) -> String {
    fields.map { field in
      field.contains { [",", "\"", "\n", "\r"].contains($0) || $0.isNewline }
        ? "\"" + field.replacing("\"", with: "\"\"") + "\"" : field
    }.joined(separator: ",")
  }
}
