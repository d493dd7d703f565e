import System

/// The separator between the fields of a list file's lines.
enum FieldDivider: Equatable {
  /// One character, as in CSV: a field may be in quotes.
  case character(UInt8)
  /// Every blank.
  case blanks
  /// The last blank of the line; the path may contain others.
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
    // A name may contain a comma: `a, b.png 7`.
    let endsInNumber = lines.allSatisfy { line in
      guard let blank = line.lastIndex(of: UInt8(ascii: " ")) else { return false }
      let before = line[..<blank].last
      return Int(readable(line[(blank + 1)...])) != nil && before != UInt8(ascii: ",")
        && before != UInt8(ascii: ";")
    }
    let likely: [UInt8] =
      [UInt8(ascii: "\t")]
      + (isTable || !endsInNumber ? [UInt8(ascii: ","), UInt8(ascii: ";")] : [])
    let usual = likely.filter(isUsual)
    let isTabbed = usual.first == UInt8(ascii: "\t")
    let best = isTabbed ? usual.first : Self.best(of: usual, in: lines)
    self = best.map { .character($0) } ?? .lastBlank
  }

  /// The separator, where most lines contain several: a label may, as in `1.jpg;tench, Tinca`.
  ///
  /// It is the one that makes the first line a header, or else cuts out most names of pictures, or
  /// the same number of fields from each line.
  private static func best(of dividers: [UInt8], in lines: [ArraySlice<UInt8>]) -> UInt8? {
    guard dividers.count > 1 else { return dividers.first }
    let ways = dividers.map { divider in
      (divider: divider, lines: lines.map { Self.fields(of: $0, divider).fields })
    }
    if let way = ways.first(where: { LabelColumns(header: $0.lines[0]) != nil }) {
      return way.divider
    }
    let named = ways.map { way in
      way.lines.count { fields in fields.contains { PictureFiles.isPicture($0) } }
    }
    if let most = named.max(), most > 0, let place = named.firstIndex(of: most) {
      return ways[place].divider
    }
    let even = ways.first { way in way.lines.allSatisfy { $0.count == way.lines[0].count } }
    return even?.divider ?? dividers.first
  }

  /// The fields of a line.
  func fields(of line: ArraySlice<UInt8>) -> [[UInt8]] {
    switch self {
    case .character(let divider): Self.fields(of: line, divider).fields
    case .blanks: line.split(separator: UInt8(ascii: " ")).map { Array($0) }
    case .lastBlank: Self.pathAndLabel(of: Self.trimmed(line))
    }
  }

  private static func pathAndLabel(of line: ArraySlice<UInt8>) -> [[UInt8]] {
    // A label is not a picture's name: a line that ends like one is a path that contains a blank.
    guard !PictureFiles.isPicture(Array(line)),
      let blank = line.lastIndex(where: { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") })
    else { return [unquoted(line)] }
    return [unquoted(trimmed(line[..<blank])), unquoted(line[(blank + 1)...])]
  }

  private static func fields(
    of line: ArraySlice<UInt8>, _ divider: UInt8
  ) -> (fields: [[UInt8]], isOpen: Bool) {
    var fields: [[UInt8]] = []
    var isOpen = false
    var place = line.startIndex
    while true {
      while place < line.endIndex, line[place] == UInt8(ascii: " ") { place += 1 }
      var end = line[place...].firstIndex(of: divider) ?? line.endIndex
      var field = Array(trimmed(line[place..<end]))
      // A quote elsewhere is an ordinary character, for example an inch sign.
      // Where one is open, all that follows is: to look again for its end would take forever.
      if !isOpen, line[place...].first == quote {
        if let inner = quotedField(of: line[(place + 1)...], divider) {
          (field, end) = inner
        } else {
          isOpen = true
        }
      }
      fields.append(field)
      guard end < line.endIndex else { return (fields, isOpen) }
      place = end + 1
    }
  }

  /// The text within quotes, and the position of the separator after it; nil if the quoted text
  /// continues on the next line.
  private static func quotedField(
    of line: ArraySlice<UInt8>, _ divider: UInt8
  ) -> (field: [UInt8], end: Int)? {
    var field: [UInt8] = []
    var place = line.startIndex
    while place < line.endIndex {
      if line[place] == quote {
        let rest = line[(place + 1)...]
        let next = rest.firstIndex { !$0.isBlank || $0 == divider } ?? line.endIndex
        if next == line.endIndex || line[next] == divider { return (field, next) }
        // Two quotes stand for one.
        if rest.first == quote { place += 1 }
      }
      field.append(line[place])
      place += 1
    }
    return nil
  }

  /// Whether a line ends inside a quoted field.
  func isOpen(_ line: ArraySlice<UInt8>) -> Bool {
    guard case .character(let divider) = self, line.contains(Self.quote) else { return false }
    return Self.fields(of: line, divider).isOpen
  }

  private static let quote = UInt8(ascii: "\"")

  private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    guard let first = bytes.firstIndex(where: { !$0.isBlank }),
      let last = bytes.lastIndex(where: { !$0.isBlank })
    else { return [] }
    return bytes[first...last]
  }

  private static func unquoted(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
    guard bytes.count >= 2, bytes.first == quote, bytes.last == quote else { return Array(bytes) }
    return Array(bytes.dropFirst().dropLast())
  }
}
