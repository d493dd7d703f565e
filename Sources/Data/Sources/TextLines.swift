import System

/// Small text files with one entry per line.
enum TextLines {
  /// The non-empty lines of a file, without line ends.
  /// - Throws: `Failure` (input missing, bad data) that names the path.
  static func read(_ path: String, limit: Int = 256 << 20) throws(Failure) -> [String] {
    split(try RegularFile.contents(of: path, limit: limit))
  }

  /// Reads class names, one per line in numerical order; the numbers may precede them: `0 cat`.
  /// - Parameters:
  ///   - path: The file.
  ///   - count: The required number of names; nil for any number.
  /// - Returns: The names.
  /// - Throws: `Failure` (input missing, bad data) if a class would get another's name.
  static func classNames(_ path: String, count: Int? = nil) throws(Failure) -> [String] {
    let text = try ListLines.text(try RegularFile.contents(of: path, limit: 1 << 26), of: path)
    var names = String(decoding: text, as: UTF8.self)
      .split(omittingEmptySubsequences: false) { $0.isNewline }.map { LabelText.plain(String($0)) }
    while names.last == "" { names.removeLast() }
    if let line = names.firstIndex(of: "") {
      throw Failure(
        .badData,
        "Line \(line + 1) of \(quoted(path)) is empty; give each class a line with its name.")
    }
    if let count, names.count != count {
      throw Failure(
        .badData,
        "\(quoted(path)) has \(names.count) names for \(count) classes; give each class a line "
          + "with its name."
      )
    }
    let numbered = names.enumerated().compactMap { (number, name) -> String? in
      guard let parts = name.wholeMatch(of: /([0-9]+)[\s,:;]+(.+)/), Int(parts.1) == number else {
        return nil
      }
      return String(parts.2)
    }
    if numbered.count == names.count { names = numbered }
    var known: Set<String> = []
    if let name = names.first(where: { !known.insert($0).inserted }) {
      throw Failure(
        .badData, "\(quoted(path)) names \(quoted(name)) twice; give each class a name of its own.")
    }
    return names
  }

  /// The lines of a text.
  static func split(_ bytes: [UInt8]) -> [String] {
    bytes.split { $0 == UInt8(ascii: "\n") }.compactMap { line in
      let text = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
      return text.isEmpty ? nil : String(decoding: text, as: UTF8.self)
    }
  }
}
