import Glibc

/// A file of the /proc or /sys kind, whose length is not known before it is read.
package enum SystemText {
  /// The file's lines; empty if it cannot be read.
  package static func lines(of path: String) -> [String] {
    guard let file = fopen(path, "r") else { return [] }
    defer { fclose(file) }
    var (lines, line) = ([String](), [CChar](repeating: 0, count: 4096))
    while fgets(&line, Int32(line.count), file) != nil {
      let bytes = line.prefix { $0 != 0 && $0 != 10 }.map { UInt8(bitPattern: $0) }
      lines.append(String(decoding: bytes, as: UTF8.self))
    }
    return lines
  }
}
