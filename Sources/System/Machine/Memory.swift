import Glibc

/// The machine's free memory, and this process's memory use.
package enum Memory {
  /// The memory in bytes that is available without swapping.
  ///
  /// This is `MemAvailable` of /proc/meminfo, or less if a control group limits it.
  ///
  /// Nil if the system does not report it.
  package static var available: Int? {
    [bytes(of: "MemAvailable:", in: "/proc/meminfo"), ControlGroups().memoryLeft]
      .compactMap { $0 }.min()
  }

  /// The bytes that this process may still allocate under its own limit (`ulimit -v`); nil for no
  /// limit.
  package static var processLimit: Int? {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0,
      limit.rlim_cur < UInt(Int.max), let pages = number(in: "/proc/self/statm")
    else { return nil }
    return max(0, Int(limit.rlim_cur) - pages * Int(sysconf(Int32(_SC_PAGESIZE))))
  }

  /// The address space in bytes that libraries need in addition to the network.
  ///
  /// OpenBLAS maps 128 MiB for each thread that computes products, and retries for ever if it
  /// cannot.
  package static func librarySpace(threads: Int) -> Int { (128 + 128 * threads) << 20 }

  /// Refuses to take memory that the machine has not free: the system would kill the process, or
  /// another one, without a word.
  /// - Throws: `Failure` (usage) that names both numbers.
  package static func require(_ bytes: Int) throws(Failure) {
    guard let available, bytes > available else { return }
    throw Failure(
      .usage,
      "This needs at least \(bytes >> 20) MiB of memory and \(available >> 20) MiB are free; "
        + "free some, or do less at once, for example by a smaller --batch-size.")
  }

  /// Refuses to build what computes products where there is no room for it.
  ///
  /// Where the process's own limit leaves none, OpenBLAS would retry for ever.
  /// - Parameters:
  ///   - threads: The threads that compute.
  ///   - bytes: What is allocated besides.
  /// - Throws: `Failure` (usage) that names both numbers.
  package static func requireLibrarySpace(
    threads: Int, besides bytes: Int = 0
  ) throws(Failure) {
    try require(bytes)
    guard let left = processLimit else { return }
    let needed = librarySpace(threads: threads) + bytes
    guard left < needed else { return }
    throw Failure(
      .usage,
      "The memory limit of this process (ulimit -v) leaves \(left >> 20) MiB, and computing with "
        + "\(counted(threads, "thread", "threads")) needs \(needed >> 20) MiB, of which OpenBLAS "
        + "reserves 128 MiB for each; raise the limit, or give fewer --threads.")
  }

  /// The number at the start of a system file.
  private static func number(in path: String) -> Int? {
    SystemText.lines(of: path).first.flatMap { Int($0.prefix { ("0"..."9").contains($0) }) }
  }

  /// The peak memory of the program so far in bytes: `VmHWM` of /proc/self/status.
  ///
  /// getrusage would include the program that started this one.
  package static var peak: Int { bytes(of: "VmHWM:", in: "/proc/self/status") ?? 0 }

  /// Reads a line `name: 123 kB`.
  private static func bytes(of name: String, in path: String) -> Int? {
    SystemText.lines(of: path).first { $0.hasPrefix(name) }
      .flatMap { Int($0.dropFirst(name.count).drop { !$0.isNumber }.prefix { $0.isNumber }) }
      .map { $0 * 1024 }
  }
}
