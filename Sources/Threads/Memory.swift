import Glibc

/// What the machine has left, and what this process has taken.
public enum Memory {
  /// Bytes that programs can have without others being swapped out, `MemAvailable` of /proc/meminfo.
  ///
  /// Nil where the system does not say.
  public static var available: Int? { bytes(of: "MemAvailable:", in: "/proc/meminfo") }

  /// The most memory that the program has held so far, in bytes: `VmHWM` of /proc/self/status.
  ///
  /// What getrusage says is also that of the program that started this one.
  public static var peak: Int { bytes(of: "VmHWM:", in: "/proc/self/status") ?? 0 }

  /// Reads a line `name: 123 kB`.
  private static func bytes(of name: String, in path: String) -> Int? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    while fgets(&line, Int32(line.count), file) != nil {
      let text = String(
        decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      guard text.hasPrefix(name) else { continue }
      return Int(text.drop { !$0.isNumber }.prefix { $0.isNumber }).map { $0 * 1024 }
    }
    return nil
  }
}
