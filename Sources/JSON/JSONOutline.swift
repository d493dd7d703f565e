/// Checks a JSON text before it is parsed: its depth, its number of values, and whether an object
/// has a member twice.
///
/// A parser recurses for every level, makes an object a hundred times as long as every value, and
/// silently keeps one of two members with the same name.
enum JSONOutline {
  enum Problem: Equatable {
    case tooDeep
    case tooMany
    case duplicate(String)
  }

  /// The first problem of a text that may have at most `depth` levels, and at most `values` arrays,
  /// objects and commas.
  ///
  /// What is not JSON is left to the parser.
  static func problem(in text: ArraySlice<UInt8>, depth: Int, values: Int) -> Problem? {
    /// The members of the open objects, nil for an array.
    var open: [Set<String>?] = []
    var expectsName = false
    var count = 0
    var place = text.startIndex
    while place < text.endIndex {
      let byte = text[place]
      place += 1
      switch byte {
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        guard open.count < depth else { return .tooDeep }
        count += 1
        expectsName = byte == UInt8(ascii: "{")
        open.append(expectsName ? [] : nil)
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        _ = open.popLast()
        expectsName = false
      case UInt8(ascii: ","):
        expectsName = open.last.flatMap { $0 } != nil
        count += 1
      case UInt8(ascii: "\""):
        let start = place
        while place < text.endIndex, text[place] != UInt8(ascii: "\"") {
          place += text[place] == UInt8(ascii: "\\") ? 2 : 1
        }
        guard place < text.endIndex else { return nil }
        defer { place += 1 }
        guard expectsName else { continue }
        expectsName = false
        let name = unescaped(text[start..<place])
        if open[open.count - 1]?.insert(name).inserted == false { return .duplicate(name) }
      default: break
      }
      guard count <= values else { return .tooMany }
    }
    return nil
  }

  /// The text of a name, with its escapes decoded.
  static func unescaped(_ raw: ArraySlice<UInt8>) -> String {
    guard raw.contains(UInt8(ascii: "\\")) else { return String(decoding: raw, as: UTF8.self) }
    var units: [UInt16] = []
    var rest = Substring(String(decoding: raw, as: UTF8.self)).utf16
    while let unit = rest.popFirst() {
      guard unit == 0x5C, let letter = rest.popFirst() else {
        units.append(unit)
        continue
      }
      switch UnicodeScalar(letter) {
      case "u":
        let digits = String(decoding: rest.prefix(4), as: UTF16.self)
        rest = rest.dropFirst(4)
        units.append(UInt16(digits, radix: 16) ?? 0xFFFD)
      case "n": units.append(0x0A)
      case "t": units.append(0x09)
      case "r": units.append(0x0D)
      case "b": units.append(0x08)
      case "f": units.append(0x0C)
      default: units.append(letter)
      }
    }
    return String(decoding: units, as: UTF16.self)
  }
}
