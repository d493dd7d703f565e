import Glibc

/// Parses a list of paths, whichever way they are separated.
///
/// If the list contains a zero byte, zeros end the names, as written by `find -print0`, and names
/// may contain line ends. Otherwise each line is a name, with Unix or Windows line ends. A UTF-8
/// byte-order mark at the start is skipped.
package enum PathList {
  /// The longest list to read: some ten million names.
  package static let longest = 1 << 30

  /// The names in a list, without empty ones.
  /// - Throws: `Failure` (badData) for a list in UTF-16, which is full of zeros.
  package static func entries(
    of list: [UInt8], from source: String
  ) throws(Failure) -> [ArraySlice<UInt8>] {
    guard !list.starts(with: [0xFF, 0xFE]), !list.starts(with: [0xFE, 0xFF]) else {
      throw Failure(.badData, "\(source) is in UTF-16; write it in UTF-8.")
    }
    let text = list.starts(with: [0xEF, 0xBB, 0xBF]) ? list.dropFirst(3) : list[...]
    let hasZeros = text.contains(0)
    return text.split(separator: hasZeros ? 0 : UInt8(ascii: "\n")).compactMap { entry in
      let isWindows = !hasZeros && entry.last == UInt8(ascii: "\r")
      let name = isWindows ? entry.dropLast() : entry
      return name.isEmpty ? nil : name
    }
  }

  /// The names in the list on standard input.
  /// - Throws: `Failure` (inputOutput) if it cannot be read, (badData) if it is too long or in
  ///   UTF-16.
  package static func standardInput() throws(Failure) -> [String] {
    let source = "The list on standard input"
    return try entries(of: read(0, source), from: source).map {
      String(decoding: $0, as: UTF8.self)
    }
  }

  /// Reads a stream to its end.
  private static func read(_ stream: Int32, _ source: String) throws(Failure) -> [UInt8] {
    var list: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = Glibc.read(stream, &block, block.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else {
        throw .system(.inputOutput, "\(source) cannot be read", errno: errno)
      }
      if count == 0 { return list }
      list += block[..<count]
      guard list.count <= longest else {
        throw Failure(.badData, "\(source) is longer than the \(longest) bytes allowed.")
      }
    }
  }
}
