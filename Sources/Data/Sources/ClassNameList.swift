package import System

/// Text files with the names of classes, one a line in numerical order.
package enum ClassNameList {
  private static let largest = 1 << 26

  /// Reads the names; the numbers may precede them: `0 cat`.
  /// - Parameter path: The file, in UTF-8 or UTF-16.
  /// - Returns: The names, without blanks around them. Several classes may share one, as in some
  ///   lists for ImageNet.
  /// - Throws: `Failure` (input missing, bad data) if a class would get another's name.
  package static func read(_ path: String) throws(Failure) -> [String] {
    let bytes = try ListLines.text(try RegularFile.contents(of: path, limit: largest), of: path)
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw Failure(
        .badData, "The names of the classes in \(quoted(path)) are not in UTF-8; save them so.")
    }
    guard let first = text.first(where: { !$0.isWhitespace }) else {
      throw Failure(
        .badData, "\(quoted(path)) is empty; give each class a line with its name.")
    }
    guard first != "{", first != "[" else {
      throw Failure(
        .badData,
        "\(quoted(path)) is in JSON or Python, and a text with one name per line is expected; from "
          + "a list, or from names by their numbers make one with: python3 -c 'import ast; n = "
          + "ast.literal_eval(open(\"FILE\").read()); n = n if isinstance(n, list) else [n[k] for "
          + "k in sorted(n, key=int)]; print(*(x if isinstance(x, str) else x[-1] for x in n), "
          + "sep=\"\\n\")' > classes.txt")
    }
    var names = text.split(omittingEmptySubsequences: false) { $0.isNewline }
      .map { LabelText.plain(String($0)) }
    while names.last == "" { names.removeLast() }
    if let line = names.firstIndex(of: "") {
      throw Failure(
        .badData,
        "Line \(line + 1) of \(quoted(path)) is empty; give each class a line with its name.")
    }
    let pattern = /([0-9]+)[\s,:;]+(.+)/
    let numbered = names.compactMap { name -> (number: Int?, name: String)? in
      name.wholeMatch(of: pattern).map { (number: Int($0.1), name: String($0.2)) }
    }
    guard numbered.count == names.count else { return names }
    // Counted from 1, each name would go to the class after its own.
    guard zip(numbered, 1...).contains(where: { $0.number != $1 }) else {
      throw Failure(
        .badData,
        "\(quoted(path)) numbers its classes from 1, and labels count from 0: number them from 0, "
          + "or remove the numbers if the first name is that of class 0.")
    }
    let isCounted = !zip(numbered, 0...).contains { $0.number != $1 }
    return isCounted ? numbered.map(\.name) : names
  }

  /// Reads names that differ from each other.
  /// - Parameters:
  ///   - path: The file.
  ///   - count: The required number of names; nil for any number.
  /// - Returns: The names.
  /// - Throws: `Failure` (input missing, bad data).
  static func distinct(_ path: String, count: Int? = nil) throws(Failure) -> [String] {
    let names = try read(path)
    if let count, names.count != count {
      throw Failure(
        .badData,
        "\(quoted(path)) has \(names.count) names for \(count) classes; give each class a line "
          + "with its name.")
    }
    var known: Set<String> = []
    if let name = names.first(where: { !known.insert($0).inserted }) {
      throw Failure(
        .badData, "\(quoted(path)) names \(quoted(name)) twice; give each class a name of its own.")
    }
    return names
  }
}
