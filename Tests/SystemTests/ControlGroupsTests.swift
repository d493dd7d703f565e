import Foundation
import System
import TestSupport
import Testing

/// Limits of control groups, by files as the kernel writes them.
@Suite struct ControlGroupsTests {
  private let root = TemporaryFolder()

  private func write(_ files: [String: String]) throws -> ControlGroups {
    for (name, text) in files {
      let url = URL(fileURLWithPath: root.file(name))
      try FileManager.default.createDirectory(
        at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try (text + "\n").write(to: url, atomically: false, encoding: .utf8)
    }
    return ControlGroups(root: root.file(""))
  }

  private let mount2 =
    "30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate"

  @Test func reclaimableCacheIsFreeAtEveryLevelOfVersion2() throws {
    let base = "sys/fs/cgroup"
    let groups = try write([
      "proc/self/mountinfo": mount2, "proc/self/cgroup": "0::/pod/box/task",
      "\(base)/pod/memory.max": "8589934592", "\(base)/pod/memory.current": "8510242816",
      "\(base)/pod/memory.stat":
        "anon 100\nfile 8482979840\nactive_file 1000000000\ninactive_file 7000000000\n"
        + "slab_reclaimable 400000000\nslab_unreclaimable 5",
      "\(base)/pod/box/memory.max": "max", "\(base)/pod/box/memory.current": "8510242816",
      "\(base)/pod/box/task/memory.max": "max", "\(base)/pod/box/task/memory.current": "7",
    ])
    #expect(groups.memoryLeft == 8_589_934_592 - (8_510_242_816 - 8_400_000_000))
    #expect(groups.processorTime == nil)
    // A lower mark at a level between.
    _ = try write(["\(base)/pod/box/memory.high": "8510242917"])
    #expect(groups.memoryLeft == 101)
  }

  @Test func reclaimableCacheIsFreeAtEveryLevelOfVersion1() throws {
    let base = "sys/fs/cgroup/memory"
    let groups = try write([
      "proc/self/mountinfo":
        "33 32 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
        + "34 32 0:30 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu",
      "proc/self/cgroup": "4:memory:/a/b\n1:cpu:/\n0::/",
      "\(base)/memory.limit_in_bytes": "9223372036854771712", "\(base)/memory.usage_in_bytes": "5",
      "\(base)/a/memory.limit_in_bytes": "1000", "\(base)/a/memory.usage_in_bytes": "900",
      "\(base)/a/memory.stat": "active_file 1\ntotal_active_file 300\ntotal_inactive_file 400",
      "\(base)/a/b/memory.limit_in_bytes": "5000", "\(base)/a/b/memory.usage_in_bytes": "100",
    ])
    #expect(groups.memoryLeft == 800)
  }

  @Test(
    arguments: [
      (["a/cpu.max": "max 100000", "cpu.max": "max 100000"], nil),
      (["a/cpu.max": "max 100000", "cpu.max": "150000 100000"], 1.5),
      (["a/cpu.max": "100000 100000", "cpu.max": "400000 100000"], 1),
      (["a/cpu.max": "50000 200000"], 0.25), (["a/cpu.max": "rubbish"], nil),
    ] as [([String: String], Double?)]) func theSmallestQuotaUpTheTreeCounts(
      _ files: [String: String], _ expected: Double?
    ) throws
  {
    var all = ["proc/self/mountinfo": mount2, "proc/self/cgroup": "0::/a"]
    for (name, text) in files { all["sys/fs/cgroup/\(name)"] = text }
    #expect(try write(all).processorTime == expected)
  }

  /// A container of Docker's sees its own group as the top, by a name of the host's or by none.
  @Test(arguments: ["/docker/abc", "/docker/abc/inner", "/", "/../elsewhere"])
  func aContainersOwnGroupIsFound(_ path: String) throws {
    let groups = try write([
      "proc/self/mountinfo":
        "33 32 0:29 /docker/abc /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct",
      "proc/self/cgroup": "4:cpu,cpuacct:\(path)",
      "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "200000",
      "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000",
      "sys/fs/cgroup/cpu,cpuacct/inner/cpu.cfs_quota_us": "-1",
      "sys/fs/cgroup/cpu,cpuacct/inner/cpu.cfs_period_us": "100000",
    ])
    #expect(groups.processorTime == 2)
  }

  @Test func withoutGroupsNothingIsLimited() throws {
    let groups = try write(["proc/self/mountinfo": "garbage", "proc/self/cgroup": "x"])
    #expect(groups.memoryLeft == nil && groups.processorTime == nil)
  }
}
