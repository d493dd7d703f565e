import CScheduling
import Glibc
package import System

/// Memory that several processes of one host see.
package final class SharedMemory: @unchecked Sendable {
  /// The first byte, at the beginning of a page.
  package let start: UnsafeMutableRawPointer
  /// The length in bytes.
  package let byteCount: Int
  /// What other processes open it by, as long as its maker has not taken the place away.
  package let place: String
  /// The maker's file, or -1.
  private var descriptor: Int32
  /// What the maker has called it, if anything.
  private let name: String?

  /// Makes memory of zeros, which others can open until this object is gone, or the place is taken away.
  ///
  /// Without a name it is gone with its processes, however they end. Whoever opens it must be allowed to look into this
  /// process, which processes of one user are, but not those of two containers.
  /// - Parameters:
  ///   - name: `/name`, for memory that all of the host's processes can open; nil for memory without one.
  ///   - byteCount: Its length.
  /// - Throws: `Failure` (cannot create) where the system has not that much to share, as in some containers.
  package init(creating name: String?, byteCount: Int) throws(Failure) {
    let descriptor =
      name.map { shm_open($0, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600) }
      ?? memfd_create("alexnet-batches", UInt32(alexnet_memfd_cloexec))
    guard descriptor >= 0 else { throw Self.failure(errno) }
    (self.name, self.descriptor, self.byteCount) = (name, descriptor, byteCount)
    // Taken now: memory that turned out to be missing later would end the process.
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

  /// Opens what another process has made.
  /// - Throws: `Failure` (cannot create) where there is no such memory, or this process may not reach it.
  package init(opening place: String, byteCount: Int) throws(Failure) {
    let words = place.split(separator: " ").map(String.init)
    let isNamed = words.count == 1
    let descriptor =
      isNamed ? shm_open(place, O_RDWR | O_CLOEXEC, 0) : open(words[0], O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else { throw Self.failure(errno) }
    defer { close(descriptor) }
    // Numbers of processes may mean others here than where the place was told.
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

  /// Takes the place away; those who have opened the memory keep it.
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
