import Glibc

/// The control groups in which this process runs, which limit the memory and the processor time of
/// a container or a batch job.
///
/// Groups are nested, and each level may have limits; those of a level hold for all below it.
package struct ControlGroups: Sendable {
  /// The folder in which /proc and /sys lie: empty, or a test's.
  private let root: String

  /// - Parameter root: A folder with /proc and /sys of another system.
  package init(root: String = "") { self.root = root }

  private enum Version { case one, two }

  /// A group, or one of those that it is nested in.
  private struct Level {
    let folder: String
    let version: Version
  }

  /// The bytes of memory that may still be used; nil where nothing limits them.
  package var memoryLeft: Int? {
    levels(of: "memory").compactMap { level -> Int? in
      let (limits, used, prefix) =
        switch level.version {
        // Processes over the high mark are slowed down until they hardly move.
        case .two: (["memory.max", "memory.high"], "memory.current", "")
        case .one: (["memory.limit_in_bytes"], "memory.usage_in_bytes", "total_")
        }
      guard let limit = limits.compactMap({ number(in: level, $0) }).min(),
        let used = number(in: level, used)
      else { return nil }
      // The cache of files is given up when programs need memory, and counts as used until then.
      let names = ["active_file", "inactive_file", "slab_reclaimable"].map { prefix + $0 }
      let reclaimable = lines(of: "memory.stat", in: level).reduce(0) { sum, line in
        let words = line.split(separator: " ")
        return words.count == 2 && names.contains(String(words[0]))
          ? sum + (Int(words[1]) ?? 0) : sum
      }
      return max(0, limit - max(0, used - reclaimable))
    }.min()
  }

  /// The processors' worth of time that may be used, such as 1.5; nil where nothing limits it.
  package var processorTime: Double? {
    levels(of: "cpu").compactMap { level -> Double? in
      let words: [Int?]
      switch level.version {
      case .two:
        words = (lines(of: "cpu.max", in: level).first ?? "").split(separator: " ").map { Int($0) }
      case .one:
        words = ["cpu.cfs_quota_us", "cpu.cfs_period_us"].map {
          lines(of: $0, in: level).first.flatMap { Int($0) }
        }
      }
      guard words.count == 2, let quota = words[0], let period = words[1], quota > 0, period > 0
      else { return nil }
      return Double(quota) / Double(period)
    }.min()
  }

  // MARK: Where they are

  /// The groups of a controller from this process's own to the outermost that can be seen.
  private func levels(of controller: String) -> [Level] {
    let mounts = mounts
    return SystemText.lines(of: root + "/proc/self/cgroup").flatMap { line -> [Level] in
      // The hierarchy's number, its controllers, and the group's path.
      let words = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard words.count == 3 else { return [] }
      let version: Version = words[0] == "0" && words[1].isEmpty ? .two : .one
      if version == .one, !words[1].split(separator: ",").contains(Substring(controller)) {
        return []
      }
      return mounts.filter {
        $0.version == version && (version == .two || $0.controllers.contains(controller))
      }.flatMap { $0.levels(ofGroup: String(words[2])) }
    }
  }

  private struct Mount {
    let version: Version
    let controllers: Set<String>
    /// Which group its top is.
    let top: String
    let folder: String

    func levels(ofGroup path: String) -> [Level] {
      // A container may see its own groups only, under the names that they have outside or not.
      var below = path
      if top != "/" { below = path.hasPrefix(top) ? String(path.dropFirst(top.count)) : "" }
      if below == "/" || below.contains("/..") { below = "" }
      var levels: [Level] = []
      while true {
        levels.append(Level(folder: folder + below, version: version))
        guard let slash = below.lastIndex(of: "/") else { return levels }
        below = String(below[..<slash])
      }
    }
  }

  private var mounts: [Mount] {
    SystemText.lines(of: root + "/proc/self/mountinfo").compactMap { line in
      // 33 32 0:29 /top /sys/fs/cgroup/memory rw,nosuid - cgroup cgroup rw,memory
      let halves = line.split(separator: " - ", maxSplits: 1)
      guard halves.count == 2 else { return nil }
      let (first, second) = (halves[0].split(separator: " "), halves[1].split(separator: " "))
      guard first.count >= 5, second.count >= 3, second[0] == "cgroup" || second[0] == "cgroup2"
      else { return nil }
      return Mount(
        version: second[0] == "cgroup2" ? .two : .one,
        controllers: Set(second[2].split(separator: ",").map(String.init)),
        top: String(first[3]), folder: root + String(first[4]))
    }
  }

  private func lines(of name: String, in level: Level) -> [String] {
    SystemText.lines(of: "\(level.folder)/\(name)")
  }

  /// The number in a file; nil for `max`, or where there is no such file.
  private func number(in level: Level, _ name: String) -> Int? {
    lines(of: name, in: level).first.flatMap { Int($0) }
  }
}
