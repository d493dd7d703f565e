extension JSONText {
  /// The members of a text's objects, those of objects in lists too, in their order.
  ///
  /// What is not JSON is left to the parser; members that are null count as missing. What is nested
  /// deeper than a parser would take ends the search: each open object or list keeps the way to it.
  /// - Parameter text: The text.
  /// - Returns: The names on the way to each, and its line, counted from 1.
  package static func members(of text: String) -> [(path: [String], line: Int)] {
    let text = Array(text.utf8)
    var found: [(path: [String], line: Int)] = []
    /// The open objects and lists, each with the names on the way to it.
    var open: [(path: [String], isObject: Bool)] = []
    var (path, line, place, expectsName) = ([String](), 1, 0, false)
    while place < text.count {
      let byte = text[place]
      place += 1
      switch byte {
      case UInt8(ascii: "\n"): line += 1
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        guard open.count < Bounds().depth else { return found }
        expectsName = byte == UInt8(ascii: "{")
        open.append((path, expectsName))
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        _ = open.popLast()
        expectsName = false
      case UInt8(ascii: ","):
        path = open.last?.path ?? []
        expectsName = open.last?.isObject ?? false
      case UInt8(ascii: "\""):
        let start = place
        while place < text.count, text[place] != UInt8(ascii: "\"") {
          place += text[place] == UInt8(ascii: "\\") ? 2 : 1
        }
        guard place < text.count else { return found }
        let name = JSONOutline.unescaped(text[start..<place])
        place += 1
        guard expectsName else { continue }
        expectsName = false
        path = (open.last?.path ?? []) + [name]
        let value = text[place...].first { !" \t\r\n:".utf8.contains($0) }
        if value != UInt8(ascii: "n") { found.append((path, line)) }
      default: break
      }
    }
    return found
  }
}
