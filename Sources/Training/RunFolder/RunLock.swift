import AlexNet
public import Failures
import Foundation
import Glibc
import Supervision
import Threads

/// One run, one folder: the file `lock` names who is using it.
///
/// On one host the system's own lock (flock) tells: it is gone with its process, however that ended. Where file
/// systems do not carry it between hosts, the file says who wrote it, and a living owner touches it every few seconds.
public final class RunLock {
  /// Seconds that a newcomer on another host looks for a touch; a living owner touches its lock every step.
  private static let lookSeconds = 20

  private let path: String
  private let descriptor: Int32

  /// Takes the folder.
  /// - Parameters:
  ///   - run: The run's folder, which exists.
  ///   - tell: Told what the user should know, once.
  /// - Throws: `Failure` (cannotCreate) that names the owner where there is one.
  public init(_ run: RunDirectory, tell: (String) -> Void) throws(Failure) {
    path = run.lock
    descriptor = try Self.lock(run.lock)
    do throws(Failure) {
      try Self.settle(descriptor, run, tell)
    } catch {
      close(descriptor)
      throw error
    }
    let text = Array(Self.ownText.utf8)
    StopSignals.remove(atExit: path)
    ftruncate(descriptor, 0)
    pwrite(descriptor, text, text.count, 0)
  }

  deinit {
    release()
    close(descriptor)
  }

  /// Removes the file; the system's lock goes with the process.
  public func release() { unlink(path) }

  /// Tells newcomers that the owner lives; called now and then.
  public func touch() { futimens(descriptor, nil) }

  /// Opens the file and takes the system's lock on it; what another process removed meanwhile is left alone.
  private static func lock(_ path: String) throws(Failure) -> Int32 {
    let end = MonotonicClock.seconds + 3
    while true {
      let descriptor = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
      guard descriptor >= 0 else {
        throw .system(.cannotCreate, "\(quoted(path)) cannot be opened", errno: errno)
      }
      let isLocked = flock(descriptor, LOCK_EX | LOCK_NB) == 0
      let code = errno
      // A file system without such locks leaves it to the text in the file.
      if isLocked || (code != EWOULDBLOCK && code != EINTR) {
        var (opened, named) = (stat(), stat())
        if fstat(descriptor, &opened) == 0, stat(path, &named) == 0, opened.st_ino == named.st_ino {
          return descriptor
        }
      } else if MonotonicClock.seconds > end {
        defer { close(descriptor) }
        throw inUse(path, owner(descriptor))
      }
      close(descriptor)
      // The ranks of a killed mpirun live a second or two longer.
      usleep(100_000)
    }
  }

  /// Finds out whether an owner that is named in the file may still be alive on another host.
  private static func settle(
    _ descriptor: Int32, _ run: RunDirectory, _ tell: (String) -> Void
  ) throws(Failure) {
    guard let owner = owner(descriptor) else { return }
    if owner.host == hostName {
      return tell("Taking over \(quoted(run.path)) from process \(owner.process), which is gone.")
    }
    if !owner.job.isEmpty, owner.job == jobNumber {
      return tell("Taking over \(quoted(run.path)) from this job's earlier start on \(owner.host).")
    }
    tell(
      "\(quoted(run.path)) was last used by process \(owner.process) on host \(owner.host) since \(owner.since); "
        + "looking for \(lookSeconds) s whether it still is.")
    let before = changeTime(run.lock)
    for _ in 0..<lookSeconds {
      sleep(1)
      guard changeTime(run.lock) == before else { throw inUse(run.lock, owner) }
    }
  }

  private static func changeTime(_ path: String) -> [Int] {
    // Opened anew: a network file system then asks its server.
    let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
    guard descriptor >= 0 else { return [] }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return [] }
    return [status.st_mtim.tv_sec, status.st_mtim.tv_nsec]
  }

  private static func inUse(_ path: String, _ owner: Owner?) -> Failure {
    let folder = quoted(String(path.dropLast("/lock".count)))
    let who = owner.map { " by process \($0.process) on host \($0.host) since \($0.since)" } ?? ""
    return Failure(
      .cannotCreate,
      "The run's folder \(folder) is in use\(who); stop that run or choose another --out.")
  }

  // MARK: The text

  private struct Owner: Codable {
    let process: Int32
    let host: String
    let since: String
    let job: String
  }

  private static func owner(_ descriptor: Int32) -> Owner? {
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = pread(descriptor, &bytes, bytes.count, 0)
    guard count > 0, let owner = try? JSONDecoder().decode(Owner.self, from: Data(bytes[..<count]))
    else { return nil }
    // The text is shown, so it is cleaned of whatever does not belong on a terminal.
    return Owner(
      process: owner.process, host: String(quoted(owner.host).dropFirst().dropLast()),
      since: String(quoted(owner.since).dropFirst().dropLast()), job: owner.job)
  }

  private static var ownText: String {
    JSONText.encode(
      Owner(
        process: getpid(), host: hostName, since: Date().formatted(.iso8601), job: jobNumber),
      isPretty: false) + "\n"
  }

  private static var hostName: String {
    var name = [CChar](repeating: 0, count: 256)
    gethostname(&name, name.count - 1)
    return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  private static var jobNumber: String {
    ProcessInfo.processInfo.environment["SLURM_JOB_ID"] ?? ""
  }
}
