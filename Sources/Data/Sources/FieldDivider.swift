/// What stands between the fields of a list file's lines.
enum FieldDivider: Equatable {
  /// One character, as in CSV: a field may be in quotes.
  case character(UInt8)
  /// Every blank.
  case blanks
  /// The last blank of the line: a path may hold others.
  case lastBlank

  /// Tabs, commas or semicolons if they are in most lines, otherwise the last blank.
  /// - Parameters:
  ///   - lines: The first lines.
  ///   - isTable: Whether the file's name says that it is CSV.
  init(of lines: [ArraySlice<UInt8>], isTable: Bool) {
    func isUsual(_ byte: UInt8) -> Bool {
      let count = lines.count { $0.contains(byte) }
      return count > 0 && 2 * count >= lines.count
    }
    // A name may hold a comma: `a, b.png 7`.
    let endsInNumber = lines.allSatisfy { line in
      guard let blank = line.lastIndex(of: UInt8(ascii: " ")) else { return false }
      let before = line[..<blank].last
      return Int(readable(line[(blank + 1)...])) != nil && before != UInt8(ascii: ",")
        && before != UInt8(ascii: ";")
    }
    let likely: [UInt8] =
      [UInt8(ascii: "\t")]
      + (isTable || !endsInNumber ? [UInt8(ascii: ","), UInt8(ascii: ";")] : [])
    self = likely.first(where: isUsual).map { .character($0) } ?? .lastBlank
  }

  /// The fields of a line.
  func fields(of line: ArraySlice<UInt8>) -> [[UInt8]] {
    switch self {
    case .character(let divider): Self.fields(of: line, divider)
    case .blanks: line.split(separator: UInt8(ascii: " ")).map { Array($0) }
    case .lastBlank: Self.pathAndLabel(of: Self.trimmed(line))
    }
  }

  private static func pathAndLabel(of line: ArraySlice<UInt8>) -> [[UInt8]] {
    // A label is no picture's name: a line that ends like one is a path with a blank in it.
    guard !PictureFiles.isPicture(Array(line)),
      let blank = line.lastIndex(where: { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") })
    else { return [unquoted(line)] }
    return [unquoted(trimmed(line[..<blank])), unquoted(line[(blank + 1)...])]
  }

  private static func fields(of line: ArraySlice<UInt8>, _ divider: UInt8) -> [[UInt8]] {
    var fields: [[UInt8]] = []
    let quote = UInt8(ascii: "\"")
    var place = line.startIndex
    while true {
      while place < line.endIndex, line[place] == UInt8(ascii: " ") { place += 1 }
      var field: [UInt8] = []
      if place < line.endIndex, line[place] == quote {
        place += 1
        while place < line.endIndex {
          if line[place] == quote {
            // Two stand for one inside.
            guard place + 1 < line.endIndex, line[place + 1] == quote else { break }
            place += 1
          }
          field.append(line[place])
          place += 1
        }
        place = line[min(place, line.endIndex)...].firstIndex(of: divider) ?? line.endIndex
      } else {
        let end = line[place...].firstIndex(of: divider) ?? line.endIndex
        field = Array(trimmed(line[place..<end]))
        place = end
      }
      fields.append(field)
      guard place < line.endIndex else { return fields }
      place += 1
    }
  }

  private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    guard let first = bytes.firstIndex(where: { !$0.isBlank }),
      let last = bytes.lastIndex(where: { !$0.isBlank })
    else { return [] }
    return bytes[first...last]
  }

  private static func unquoted(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
    let quote = UInt8(ascii: "\"")
    guard bytes.count >= 2, bytes.first == quote, bytes.last == quote else { return Array(bytes) }
    return Array(bytes.dropFirst().dropLast())
  }
}
