import Glibc
import Supervision
package import System

/// Keeps two runs out of one folder: the file `lock` names the process that uses it.
///
/// On one host the system's lock (flock) decides: it is released when its process ends, however
/// that happens. If the file system does not support it, the process named in the file is looked
/// up. If flock does not work between hosts, the file says who wrote it, and a living owner touches
/// it every few seconds.
package final class RunLock {
  /// How many seconds a new run on another host watches for a touch, and how many it must be able
  /// to watch.
  private static let lookSeconds = (least: 10.0, most: 20.0)
  /// The time in seconds after which the ranks of a killed mpirun are gone: they live a second or
  /// two longer.
  private static let lastSeconds = 3.0

  /// The run's folder.
  let folder: HeldFolder
  private let usesFlock: Bool
  private let descriptor: Int32
  private let file: OwnFile
  /// What the file says of its owner.
  let text: String
  private let touching: Touching

  /// The current path of the run's folder.
  package var place: String {
    if case .elsewhere(let path?) = folder.place { path } else { folder.path }
  }

  /// Locks the folder.
  /// - Parameters:
  ///   - run: The run's folder, which exists.
  ///   - patience: The number of seconds after which this process is killed if it is still watching
  ///     for an owner on another host.
  ///   - usesFlock: Whether to use the system's lock; false behaves like a file system without it.
  ///   - tell: Called with a message for the user, once.
  /// - Throws: `Failure` (cannotCreate) that names the owner, if there is one.
  package init(
    _ run: RunDirectory, patience: Double = .infinity, usesFlock: Bool = true,
    tell: (String) -> Void
  ) throws(Failure) {
    let folder = try HeldFolder(run.path)
    (self.folder, self.usesFlock) = (folder, usesFlock)
    let opened = try Self.lock(folder, usesFlock)
    descriptor = opened.descriptor
    let isLocked = opened.isLocked
    do throws(Failure) {
      if !opened.isNew { Self.awaitOwner(descriptor) }
      let seconds = min(Self.lookSeconds.most, patience / 2)
      try Self.settle(descriptor, isLocked: isLocked, folder, for: Int(seconds), tell)
    } catch {
      close(descriptor)
      throw error
    }
    text = LockOwner.ownText
    file = OwnFile(RunDirectory.Name.lock, in: folder.descriptor, descriptor, text: text)
    StopSignals.remove(atExit: file)
    file.write()
    do throws(Failure) {
      try Self.confirmFirst(file, folder, isLocked: isLocked)
    } catch {
      close(descriptor)
      throw error
    }
    touching = Touching(descriptor)
  }

  /// Waits for whoever has made the file a moment ago, and has not written its name yet.
  private static func awaitOwner(_ descriptor: Int32) {
    let end = MonotonicClock.seconds + 1
    while LockOwner.read(descriptor) == nil, MonotonicClock.seconds < end { usleep(20_000) }
  }

  /// Where the system's lock does not tell, two runs may have found the same dead owner, and both
  /// written their names: the last one has the folder.
  private static func confirmFirst(
    _ file: OwnFile, _ folder: HeldFolder, isLocked: Bool
  ) throws(Failure) {
    if !isLocked { usleep(500_000) }
    guard file.standing == .othersNow else { return }
    let found = openFile(RunDirectory.Name.lock, in: folder, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
    defer { if found >= 0 { close(found) } }
    throw inUse(folder, LockOwner.read(found))
  }

  deinit {
    release()
    touching.stop()
    close(descriptor)
  }

  /// Removes the file if it still belongs to this process; the system's lock ends with the process.
  package func release() { file.remove() }

  /// Whether nobody else has taken over the folder.
  var isOwner: Bool { file.standing != .othersNow }

  /// Checks that the folder still belongs to this process.
  ///
  /// If the system's lock does not work between hosts, and this process was stopped or cut off for
  /// longer than a new run watches, the new run owns the folder now.
  /// - Returns: Whether the lock file had been deleted, and was made again.
  /// - Throws: `Failure` (cannotCreate) that names the new owner of the folder.
  func confirm() throws(Failure) -> Bool {
    switch file.standing {
    case .own: return false
    case .missing:
      let new = openFile(
        RunDirectory.Name.lock, in: folder, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
      if new < 0, errno != EEXIST {
        throw .system(
          .inputOutput, "\(quoted(folder.path(of: RunDirectory.Name.lock))) cannot be made again",
          errno: errno)
      }
      defer { if new >= 0 { close(new) } }
      guard new >= 0, !usesFlock || flock(new, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK
      else { throw takenOver }
      // The thread that touches the file uses this descriptor.
      dup2(new, descriptor)
      _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
      file.write()
      return true
    case .othersNow: throw takenOver
    }
  }

  private var takenOver: Failure {
    let found = openFile(RunDirectory.Name.lock, in: folder, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
    defer { if found >= 0 { close(found) } }
    let who = LockOwner.read(found).map { "\($0.text) has used it since \($0.since)" }
    return Failure(
      .cannotCreate,
      "The run's folder \(quoted(folder.path)) was taken over while the run trained: "
        + "\(who ?? "its lock belongs to another run"). This run writes nothing more there; end "
        + "one of the two, and continue with --resume.")
  }

  /// Opens the file and takes the system's lock on it; a file that another process has just removed
  /// is not used.
  ///
  /// Every file system, a network's too, lets only one process make a file: where nobody can lock
  /// it, who made it owns the folder.
  /// - Returns: The file, whether this process has made it, and whether the file system supports
  ///   such locks.
  private static func lock(
    _ folder: HeldFolder, _ usesFlock: Bool
  ) throws(Failure) -> (descriptor: Int32, isNew: Bool, isLocked: Bool) {
    let name = RunDirectory.Name.lock
    let end = MonotonicClock.seconds + lastSeconds
    while true {
      let new = openFile(
        name, in: folder, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
      let descriptor = new >= 0 ? new : openFile(name, in: folder, O_RDWR | O_NOFOLLOW)
      // Its owner may have removed it between the two.
      if descriptor < 0, errno == ENOENT, MonotonicClock.seconds < end { continue }
      guard descriptor >= 0 else {
        throw .system(
          .cannotCreate, "\(quoted(folder.path(of: name))) cannot be opened", errno: errno)
      }
      let isLocked = usesFlock && flock(descriptor, LOCK_EX | LOCK_NB) == 0
      let code = usesFlock ? errno : ENOSYS
      // Without such locks, the text in the file decides.
      if isLocked || (code != EWOULDBLOCK && code != EINTR) {
        if let opened = FileStatus(descriptor: descriptor), let named = folder.status(of: name),
          opened.isSameFile(as: named)
        {
          return (descriptor, new >= 0, isLocked)
        }
      } else if MonotonicClock.seconds > end {
        defer { close(descriptor) }
        throw inUse(folder, LockOwner.read(descriptor))
      }
      close(descriptor)
      usleep(100_000)
    }
  }

  /// Finds out whether the owner named in the file may still be alive: on another host, or on this
  /// one if the system's lock does not tell.
  private static func settle(
    _ descriptor: Int32, isLocked: Bool, _ run: HeldFolder, for seconds: Int,
    _ tell: (String) -> Void
  ) throws(Failure) {
    guard let owner = LockOwner.read(descriptor) else { return }
    if owner.host == Machine.hostName {
      let end = MonotonicClock.seconds + lastSeconds
      while !isLocked && owner.isAlive {
        guard MonotonicClock.seconds < end else { throw inUse(run, owner) }
        usleep(100_000)
      }
      return tell("Taking over \(quoted(run.path)) from process \(owner.process), which has ended.")
    }
    if !owner.job.isEmpty, owner.job == LockOwner.jobNumber {
      return tell("Taking over \(quoted(run.path)) from this job's earlier start on \(owner.host).")
    }
    guard Double(seconds) >= lookSeconds.least else {
      throw Failure(
        .cannotCreate,
        "\(quoted(run.path)) was last used by \(owner.text) since \(owner.since), and --watchdog "
          + "leaves no time to check whether that process still uses it; give --watchdog "
          + "\(Int(2 * lookSeconds.least)) or more."
      )
    }
    tell(
      "\(quoted(run.path)) was last used by \(owner.text) since \(owner.since); checking for "
        + "\(seconds) s whether that process still uses it.")
    let before = changeTime(run)
    for _ in 0..<seconds {
      sleep(1)
      guard changeTime(run) == before else { throw inUse(run, owner) }
    }
  }

  private static func changeTime(_ folder: HeldFolder) -> Int64? {
    // Opened again: a network file system then asks its server.
    let descriptor = openFile(RunDirectory.Name.lock, in: folder, O_RDONLY | O_NOFOLLOW)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    return FileStatus(descriptor: descriptor)?.changed
  }

  private static func inUse(_ folder: HeldFolder, _ owner: LockOwner?) -> Failure {
    let who = owner.map { " by \($0.text) since \($0.since)" } ?? ""
    return Failure(
      .cannotCreate,
      "The run's folder \(quoted(folder.path)) is in use\(who); stop that run or choose another "
        + "--out."
    )
  }
}
