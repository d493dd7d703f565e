import CScheduling
import Glibc
package import System

/// Memory shared by several processes of one host.
package final class SharedMemory: @unchecked Sendable {
  /// The first byte, at the beginning of a page.
  package let start: UnsafeMutableRawPointer
  /// The length in bytes.
  package let byteCount: Int
  /// The path by which other processes open it, until its creator unlinks it.
  package let place: String
  /// The creator's file descriptor, or -1.
  private var descriptor: Int32
  /// The name that the creator gave it, if any.
  private let name: String?

  /// Creates zeroed memory, which others can open until this object is released or the path is
  /// unlinked.
  ///
  /// Without a name it is freed when its processes end, however they end. A process that opens it
  /// must be allowed to access this process's /proc; processes of one user are, but not those of
  /// two containers.
  /// - Parameters:
  ///   - name: `/name`, for memory that all of the host's processes can open; nil for memory
  ///     without a name.
  ///   - byteCount: Its length.
  /// - Throws: `Failure` (cannot create) if the system cannot share that much memory, as in some
  ///   containers.
  package init(creating name: String?, byteCount: Int) throws(Failure) {
    let descriptor =
      name.map { shm_open($0, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600) }
      ?? memfd_create("alexnet-batches", UInt32(alexnet_memfd_cloexec))
    guard descriptor >= 0 else { throw Self.failure(errno) }
    (self.name, self.descriptor, self.byteCount) = (name, descriptor, byteCount)
    // Allocated now: running out of shared memory later would kill the process.
    let code = posix_fallocate(descriptor, 0, off_t(byteCount))
    guard code == 0, let file = FileStatus(descriptor: descriptor)?.identity,
      let start = Self.map(descriptor, byteCount)
    else {
      let code = code == 0 ? errno : code
      close(descriptor)
      if let name { shm_unlink(name) }
      throw Self.failure(code)
    }
    self.start = start
    place = name ?? "/proc/\(getpid())/fd/\(descriptor) \(file.device) \(file.node)"
  }

  /// Opens memory that another process has created.
  /// - Throws: `Failure` (cannot create) if there is no such memory, or this process may not open
  ///   it.
  package init(opening place: String, byteCount: Int) throws(Failure) {
    let words = place.split(separator: " ").map(String.init)
    let isNamed = words.count == 1
    let descriptor =
      isNamed ? shm_open(place, O_RDWR | O_CLOEXEC, 0) : open(words[0], O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else { throw Self.failure(errno) }
    defer { close(descriptor) }
    // In another container, the process id in the path may belong to a different process.
    guard let status = FileStatus(descriptor: descriptor), status.size == byteCount,
      isNamed || words.dropFirst() == ["\(status.identity.device)", "\(status.identity.node)"]
    else { throw Self.failure(ENOENT) }
    guard let start = Self.map(descriptor, byteCount) else { throw Self.failure(errno) }
    (self.start, self.byteCount, self.place) = (start, byteCount, place)
    (name, self.descriptor) = (nil, -1)
  }

  deinit {
    munmap(start, byteCount)
    removePlace()
  }

  /// Unlinks the path; processes that have opened the memory keep it.
  package func removePlace() {
    if descriptor >= 0 { close(descriptor) }
    descriptor = -1
    if let name { shm_unlink(name) }
  }

  private static func map(_ descriptor: Int32, _ byteCount: Int) -> UnsafeMutableRawPointer? {
    let memory = mmap(
      nil, byteCount, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, descriptor, 0)
    return memory == MAP_FAILED ? nil : memory
  }

  private static func failure(_ code: Int32) -> Failure {
    .system(.cannotCreate, "Cannot share memory between the ranks of this host", errno: code)
  }
}
