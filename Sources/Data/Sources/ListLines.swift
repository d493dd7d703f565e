import System

/// The non-empty lines of a list file with their numbers, without blanks at their ends.
struct ListLines: Sequence, IteratorProtocol {
  private let bytes: [UInt8]
  /// A quoted field may continue on the next lines.
  private let divider: FieldDivider
  private var place = 0
  private var number = 0
  /// Lines whose quote is not closed in time; after some, the file's quotes mean something else.
  private var unclosed = 0
  // A quote that is never closed must not consume the rest of the file, nor the time to read it.
  private static let longestField = 4096
  private static let mostLines = 64
  private static let mostUnclosed = 100

  init(_ bytes: [UInt8], _ divider: FieldDivider = .lastBlank) {
    self.bytes = bytes
    self.divider = divider
  }

  mutating func next() -> (number: Int, text: ArraySlice<UInt8>)? {
    while place < bytes.count {
      let (start, first) = (place, number + 1)
      var end = lineEnd(from: start)
      number += 1
      var (longer, more) = (end, 0)
      while unclosed < Self.mostUnclosed, longer < bytes.count, more < Self.mostLines,
        longer - end < Self.longestField, divider.isOpen(bytes[start..<longer])
      { (longer, more) = (lineEnd(from: longer + 1), more + 1) }
      if more > 0, !divider.isOpen(bytes[start..<longer]) {
        (end, number) = (longer, number + more)
      } else if more > 0 {
        unclosed += 1
      }
      place = end + 1
      while end > start, bytes[end - 1].isBlank, bytes[end - 1] != UInt8(ascii: "\t") { end -= 1 }
      if bytes[start..<end].contains(where: { !$0.isBlank }) { return (first, bytes[start..<end]) }
    }
    return nil
  }

  /// The end of a line: a line feed, or a carriage return that is not followed by one.
  private func lineEnd(from start: Int) -> Int {
    var place = start
    while place < bytes.count, bytes[place] != UInt8(ascii: "\n"),
      bytes[place] != UInt8(ascii: "\r") || bytes[(place + 1)...].first == UInt8(ascii: "\n")
    { place += 1 }
    return place
  }

  /// The text of a file as UTF-8 without a byte-order mark; UTF-16 is converted.
  /// - Throws: `Failure` (bad data) if it is not text.
  static func text(_ bytes: [UInt8], of path: String) throws(Failure) -> [UInt8] {
    func utf16(_ start: Int, isLittle: Bool) -> [UInt8] {
      let units = stride(from: start, to: bytes.count - 1, by: 2).map {
        isLittle
          ? UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8
          : UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1])
      }
      return Array(String(decoding: units, as: UTF16.self).utf8)
    }
    let plain =
      if bytes.starts(with: [0xEF, 0xBB, 0xBF]) {
        Array(bytes[3...])
      } else if bytes.starts(with: [0xFF, 0xFE]) {
        utf16(2, isLittle: true)
      } else if bytes.starts(with: [0xFE, 0xFF]) {
        utf16(2, isLittle: false)
      } else if bytes.count > 3, bytes[0] != 0, bytes[1] == 0 {
        utf16(0, isLittle: true)
      } else if bytes.count > 3, bytes[0] == 0, bytes[1] != 0 {
        utf16(0, isLittle: false)
      } else {
        bytes
      }
    if let place = plain.firstIndex(of: 0) {
      let line = 1 + plain[..<place].count { $0 == UInt8(ascii: "\n") }
      throw Failure(
        .badData,
        "The list \(quoted(path)) is not a text file: line \(line) of it contains NUL bytes.")
    }
    return plain
  }
}

extension UInt8 {
  /// Whether it is a blank or another invisible character.
  var isBlank: Bool { self <= UInt8(ascii: " ") }
}
