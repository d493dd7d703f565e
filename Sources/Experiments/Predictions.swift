import System
import Training

/// What `alexnet evaluate --predictions` writes.
enum Predictions {
  /// For each picture, whether its most probable class is the true one.
  /// - Throws: `Failure` (badData) for other files.
  static func hits(_ path: String) throws(Failure) -> [Bool] {
    let text = try TextFile.read(path)
    var hits: [Bool] = []
    for row in rows(text).dropFirst() {
      guard row.count > 2 else {
        throw Failure(.badData, "\(quoted(path)) holds a line that is no prediction.")
      }
      hits.append(row[1] == row[2])
    }
    return hits
  }

  /// The rows of a CSV file, whose fields may be quoted and hold line ends.
  private static func rows(_ text: String) -> [[String]] {
    var (rows, row, field, isQuoted): ([[String]], [String], String, Bool) = ([], [], "", false)
    var letters = text.unicodeScalars.makeIterator()
    var next = letters.next()
    while let letter = next {
      next = letters.next()
      switch (letter, isQuoted) {
      case ("\"", true) where next == "\"":
        field.unicodeScalars.append(letter)
        next = letters.next()
      case ("\"", _): isQuoted.toggle()
      case (",", false):
        row.append(field)
        field = ""
      case ("\n", false):
        rows.append(row + [field])
        (row, field) = ([], "")
      case ("\r", false): break
      default: field.unicodeScalars.append(letter)
      }
    }
    return row.isEmpty && field.isEmpty ? rows : rows + [row + [field]]
  }
}
