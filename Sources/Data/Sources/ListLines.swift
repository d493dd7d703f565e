import Failures

/// The lines of a list file with their numbers, without blanks at their ends; empty ones are left out.
struct ListLines: Sequence, IteratorProtocol {
  private let bytes: [UInt8]
  /// Whether a line may go on in the next one within quotes.
  private let isQuoted: Bool
  private var place = 0
  private var number = 0

  init(_ bytes: [UInt8], isQuoted: Bool = false) {
    self.bytes = bytes
    self.isQuoted = isQuoted
  }

  mutating func next() -> (number: Int, text: ArraySlice<UInt8>)? {
    while place < bytes.count {
      let (start, first) = (place, number + 1)
      var quotes = 0
      while place < bytes.count {
        let byte = bytes[place]
        if byte == UInt8(ascii: "\"") { quotes += 1 }
        if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") {
          number += 1
          // A quote that is never closed must not swallow the file.
          if !(isQuoted && quotes % 2 == 1 && closes(place)) { break }
          quotes = 0
        }
        place += 1
      }
      if place == bytes.count { number += 1 }
      var end = place
      if place < bytes.count {
        let isPair =
          bytes[place] == UInt8(ascii: "\r") && place + 1 < bytes.count
          && bytes[place + 1] == UInt8(ascii: "\n")
        place += isPair ? 2 : 1
      }
      while end > start, bytes[end - 1].isBlank, bytes[end - 1] != UInt8(ascii: "\t") { end -= 1 }
      if bytes[start..<end].contains(where: { !$0.isBlank }) { return (first, bytes[start..<end]) }
    }
    return nil
  }

  /// Whether the next line closes a quote: it has an odd number of them.
  private func closes(_ end: Int) -> Bool {
    let rest = bytes[(end + 1)...].prefix(4096)
    let line = rest.prefix { $0 != UInt8(ascii: "\n") }
    return line.count { $0 == UInt8(ascii: "\"") } % 2 == 1
  }

  /// The text of a file as UTF-8 without a mark at the beginning; UTF-16 is converted.
  /// - Throws: `Failure` (bad data) for what is no text.
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
    guard !plain.contains(0) else {
      throw Failure(.badData, "The list \(quoted(path)) is no text: it holds zero bytes.")
    }
    return plain
  }
}

extension UInt8 {
  /// Whether it is a blank, or any other character that does not show.
  var isBlank: Bool { self <= UInt8(ascii: " ") }
}
