import Glibc

/// What the machine has left, and what this process has taken.
public enum Memory {
  /// Bytes that programs can have without others being swapped out: `MemAvailable` of /proc/meminfo, or what a control
  /// group leaves of it.
  ///
  /// Nil where the system does not say.
  public static var available: Int? {
    [bytes(of: "MemAvailable:", in: "/proc/meminfo"), groupAvailable].compactMap { $0 }.min()
  }

  /// Bytes that this process may still have by its own limit (`ulimit -v`); nil for no limit.
  public static var processLimit: Int? {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0,
      limit.rlim_cur < UInt(Int.max), let pages = number(in: "/proc/self/statm")
    else { return nil }
    return max(0, Int(limit.rlim_cur) - pages * Int(sysconf(Int32(_SC_PAGESIZE))))
  }

  /// What the container or batch job may still have, by the control group that it runs in.
  private static var groupAvailable: Int? {
    guard let limit = number(in: "/sys/fs/cgroup/memory.max"),
      let used = number(in: "/sys/fs/cgroup/memory.current")
    else { return nil }
    return max(0, limit - used)
  }

  /// The number that a file of the system begins with.
  private static func number(in path: String) -> Int? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    guard fgets(&line, Int32(line.count), file) != nil else { return nil }
    let digits = line.prefix { $0 >= 0x30 && $0 <= 0x39 }.map { UInt8(bitPattern: $0) }
    return Int(String(decoding: digits, as: UTF8.self))
  }

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
