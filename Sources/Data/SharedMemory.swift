public import Failures
import Glibc

/// Memory that several processes of one host see under a name.
public final class SharedMemory: @unchecked Sendable {
  /// The first byte, at the beginning of a page.
  public let start: UnsafeMutableRawPointer
  /// The length in bytes.
  public let byteCount: Int
  private let name: String
  private let isMaker: Bool

  /// Makes memory of zeros, which others can open until this object is gone.
  /// - Throws: `Failure` (cannot create) where the system has not that much to share, as in some containers.
  public convenience init(creating name: String, byteCount: Int) throws(Failure) {
    let descriptor = shm_open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw Self.failure(errno) }
    defer { close(descriptor) }
    // Taken now: memory that turned out to be missing later would end the process.
    let code = posix_fallocate(descriptor, 0, off_t(byteCount))
    guard code == 0 else {
      shm_unlink(name)
      throw Self.failure(code)
    }
    try self.init(descriptor, name: name, byteCount: byteCount, isMaker: true)
  }

  /// Opens what another process has made.
  /// - Throws: `Failure` (cannot create) where there is no such memory.
  public convenience init(opening name: String, byteCount: Int) throws(Failure) {
    let descriptor = shm_open(name, O_RDWR | O_CLOEXEC, 0)
    guard descriptor >= 0 else { throw Self.failure(errno) }
    defer { close(descriptor) }
    try self.init(descriptor, name: name, byteCount: byteCount, isMaker: false)
  }

  private init(
    _ descriptor: Int32, name: String, byteCount: Int, isMaker: Bool
  ) throws(Failure) {
    let memory = mmap(
      nil, byteCount, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, descriptor, 0)
    guard let memory, memory != MAP_FAILED else {
      if isMaker { shm_unlink(name) }
      throw Self.failure(errno)
    }
    (start, self.byteCount, self.name, self.isMaker) = (memory, byteCount, name, isMaker)
  }

  deinit {
    munmap(start, byteCount)
    if isMaker { shm_unlink(name) }
  }

  /// Takes the name away; those who have opened the memory keep it.
  public func removeName() { shm_unlink(name) }

  private static func failure(_ code: Int32) -> Failure {
    .system(.cannotCreate, "Cannot share memory between the ranks of this host", errno: code)
  }
}
