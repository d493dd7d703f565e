import System

/// Small text files with one entry per line.
enum TextLines {
  /// The non-empty lines of a file, without line ends.
  /// - Throws: `Failure` (input missing, bad data) that names the path.
  static func read(_ path: String, limit: Int = 256 << 20) throws(Failure) -> [String] {
    split(try RegularFile.contents(of: path, limit: limit))
  }

  /// The lines of a text.
  static func split(_ bytes: [UInt8]) -> [String] {
    bytes.split { $0 == UInt8(ascii: "\n") }.compactMap { line in
      let text = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
      return text.isEmpty ? nil : String(decoding: text, as: UTF8.self)
    }
  }
}
