import Glibc

/// What the machine has left, and what this process has taken.
package enum Memory {
  /// Bytes that programs can have without others being swapped out: `MemAvailable` of /proc/meminfo, or what a control
  /// group leaves of it.
  ///
  /// Nil where the system does not say.
  package static var available: Int? {
    [bytes(of: "MemAvailable:", in: "/proc/meminfo"), groupAvailable].compactMap { $0 }.min()
  }

  /// Bytes that this process may still have by its own limit (`ulimit -v`); nil for no limit.
  package static var processLimit: Int? {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0,
      limit.rlim_cur < UInt(Int.max), let pages = number(in: "/proc/self/statm")
    else { return nil }
    return max(0, Int(limit.rlim_cur) - pages * Int(sysconf(Int32(_SC_PAGESIZE))))
  }

  /// Bytes of address space that libraries take besides, beyond what the network needs: OpenBLAS maps 128 MiB for each thread
  /// that multiplies, and tries for ever where it cannot.
  package static func librarySpace(threads: Int) -> Int { (128 + 128 * threads) << 20 }

  /// What the container or batch job may still have, by the control groups that it runs in, one in the other.
  private static var groupAvailable: Int? {
    groups.flatMap { group in
      var (path, found) = (Substring(group.path), [Int]())
      while true {
        let folder = group.root + path
        if let limit = number(in: "\(folder)/\(group.limit)"),
          let used = number(in: "\(folder)/\(group.used)")
        {
          // What files were read through is given up when programs need it.
          let cache = ["active_file", "inactive_file"].compactMap {
            bytes(of: group.prefix + $0 + " ", in: folder + "/memory.stat", unit: 1)
          }
          found.append(max(0, limit - max(0, used - cache.reduce(0, +))))
        }
        guard let slash = path.lastIndex(of: "/") else { return found }
        path = path[..<slash]
      }
    }.min()
  }

  private struct Group {
    let root: String
    let path: String
    let limit: String
    let used: String
    /// What the names of numbers that count the groups within begin with.
    let prefix: String
  }

  /// This process's control groups that may limit its memory, of either version.
  private static var groups: [Group] {
    SystemText.lines(of: "/proc/self/cgroup").compactMap { line in
      // The hierarchy's number, its controllers, and the group's path.
      let words = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard words.count == 3 else { return nil }
      let path = words[2] == "/" ? "" : String(words[2])
      if words[0] == "0", words[1].isEmpty {
        return Group(
          root: "/sys/fs/cgroup", path: path, limit: "memory.max", used: "memory.current",
          prefix: "")
      }
      guard words[1].split(separator: ",").contains("memory") else { return nil }
      return Group(
        root: "/sys/fs/cgroup/memory", path: path, limit: "memory.limit_in_bytes",
        used: "memory.usage_in_bytes", prefix: "total_")
    }
  }

  /// The number that a file of the system begins with.
  private static func number(in path: String) -> Int? {
    SystemText.lines(of: path).first.flatMap { Int($0.prefix { ("0"..."9").contains($0) }) }
  }

  /// The most memory that the program has held so far, in bytes: `VmHWM` of /proc/self/status.
  ///
  /// What getrusage says is also that of the program that started this one.
  package static var peak: Int { bytes(of: "VmHWM:", in: "/proc/self/status") ?? 0 }

  /// Reads a line `name: 123 kB`, or one in another unit.
  private static func bytes(of name: String, in path: String, unit: Int = 1024) -> Int? {
    SystemText.lines(of: path).first { $0.hasPrefix(name) }
      .flatMap { Int($0.dropFirst(name.count).drop { !$0.isNumber }.prefix { $0.isNumber }) }
      .map { $0 * unit }
  }
}
