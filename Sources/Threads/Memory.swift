import Glibc

/// What the machine has left, and what this process has taken.
public enum Memory {
  /// The most memory that the process has held so far, in bytes.
  public static var peak: Int {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage.ru_maxrss * 1024
  }

  /// Bytes that programs can have without others being swapped out, `MemAvailable` of /proc/meminfo.
  ///
  /// Nil where the system does not say.
  public static var available: Int? {
    guard let file = fopen("/proc/meminfo", "r") else { return nil }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    while fgets(&line, Int32(line.count), file) != nil {
      let text = String(
        decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      guard text.hasPrefix("MemAvailable:") else { continue }
      return Int(text.drop { !$0.isNumber }.prefix { $0.isNumber }).map { $0 * 1024 }
    }
    return nil
  }
}
