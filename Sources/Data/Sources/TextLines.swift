import Failures

/// Small text files, a line an entry.
enum TextLines {
  /// The lines of a file without what ends them; empty lines are left out.
  /// - Throws: `Failure` (input missing, bad data) that names the path.
  static func read(_ path: String, limit: Int = 256 << 20) throws(Failure) -> [String] {
    split(try InputFile.contents(of: path, limit: limit))
  }

  /// The lines of a text.
  static func split(_ bytes: [UInt8]) -> [String] {
    bytes.split { $0 == UInt8(ascii: "\n") }.compactMap { line in
      let text = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
      return text.isEmpty ? nil : String(decoding: text, as: UTF8.self)
    }
  }
}
