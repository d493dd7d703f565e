/// A column of a table for a terminal, by its width in characters.
package enum Column: Sendable {
  /// What is in it begins at its left edge.
  case left(Int)
  /// What is in it ends at its right edge.
  case right(Int)

  /// A cell with spaces up to the column's width; what is longer is shown whole.
  package func fitted(_ cell: String) -> String {
    switch self {
    case .left(let width): cell + Self.spaces(width - cell.count)
    case .right(let width): Self.spaces(width - cell.count) + cell
    }
  }

  private static func spaces(_ count: Int) -> String {
    String(repeating: " ", count: max(0, count))
  }
}

/// A line of a table for a terminal; cells after the last column are left out, and so are columns
/// without a cell.
package func tableLine(_ cells: [String], _ columns: [Column], gap: Int = 1) -> String {
  zip(columns, cells).map { $0.fitted($1) }.joined(separator: String(repeating: " ", count: gap))
}
