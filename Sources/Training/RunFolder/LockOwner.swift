import Foundation
import Glibc
import JSON
import System

/// What the file `lock` says of the process that uses a run's folder.
struct LockOwner: Codable {
  let process: Int32
  let host: String
  let since: String
  let job: String
  /// When the process started, in the system's ticks, since numbers of processes are used again;
  /// nil where it does not tell.
  let ticks: Int?

  var text: String { "process \(process) on host \(host)" }

  /// Whether the process, on this host, still exists.
  var isAlive: Bool {
    guard process != getpid(), kill(process, 0) == 0 || errno == EPERM else { return false }
    guard let found = Self.facts(of: process) else { return true }
    return !found.hasEnded && (ticks == nil || ticks == found.ticks)
  }

  /// Whether a process is a zombie, and its start time; nil if the system does not report them.
  private static func facts(of process: Int32) -> (hasEnded: Bool, ticks: Int)? {
    let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
    // The words after the program's name, which may contain anything.
    guard let words = text?.split(separator: ")").last?.split(separator: " "), words.count >= 20,
      let ticks = Int(words[19])
    else { return nil }
    return (words[0] == "Z" || words[0] == "X", ticks)
  }

  /// Reads a lock file; nil if it names no owner.
  static func read(_ descriptor: Int32) -> LockOwner? {
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = pread(descriptor, &bytes, bytes.count, 0)
    guard count > 0,
      let owner = try? JSONText.value(LockOwner.self, Array(bytes[..<count]), from: "lock")
    else { return nil }
    // The text is shown, so control characters are removed.
    return LockOwner(
      process: owner.process, host: escaped(owner.host), since: escaped(owner.since),
      job: owner.job, ticks: owner.ticks)
  }

  /// What this process writes into its lock file.
  static var ownText: String {
    JSONText.encode(
      LockOwner(
        process: getpid(), host: Machine.hostName, since: Date().formatted(.iso8601),
        job: jobNumber, ticks: facts(of: getpid())?.ticks),
      isPretty: false) + "\n"
  }

  /// The number of this process's batch job; empty without one.
  static var jobNumber: String {
    let environment = ProcessInfo.processInfo.environment
    return environment["SLURM_JOB_ID"] ?? environment["PBS_JOBID"] ?? ""
  }
}
