import Glibc
import System

/// A file that gets its name when it is complete; until then it has a temporary name.
final class WholeFile {
  let path: String
  /// What to do if the disk is full.
  static let remedy = "Make room, or name another place."
  /// The file descriptor for the contents; libraries that write directly use it.
  let descriptor: Int32
  private let place: OutputPlace
  private var isOpen = true

  /// Starts a file; an existing file with its name stays there until `publish`.
  /// - Throws: `Failure` (cannotCreate) if it cannot be created.
  init(creating path: String) throws(Failure) {
    self.path = path
    place = try OutputPlace(path)
    descriptor = open(place.temporary, O_RDWR | O_NOFOLLOW | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw .system(.cannotCreate, "\(quoted(path)) cannot be created", errno: errno)
    }
  }

  deinit {
    if isOpen { close(descriptor) }
  }

  /// Appends bytes.
  /// - Throws: `Failure` (inputOutput) if they cannot be written.
  func write(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
    let code = WholeTransfer.write(bytes, to: descriptor)
    guard code == 0 else { throw failure(code) }
  }

  /// The error for a failed write.
  func failure(_ code: Int32) -> Failure {
    let isFull = code == ENOSPC || code == EDQUOT || code == EFBIG
    return .system(
      .inputOutput, "\(quoted(path)) cannot be written", errno: code,
      remedy: isFull ? Self.remedy : "")
  }

  /// Appends bytes.
  /// - Throws: `Failure` (inputOutput) if they cannot be written.
  func write(_ bytes: [UInt8]) throws(Failure) {
    try bytes.withUnsafeBufferPointer { bytes throws(Failure) in
      try write(UnsafeRawBufferPointer(bytes))
    }
  }

  /// Syncs the file to disk and gives it its name.
  /// - Throws: `Failure` (inputOutput) if that fails.
  func publish() throws(Failure) {
    let isSynced = fsync(descriptor) == 0
    let code = errno
    isOpen = false
    guard close(descriptor) == 0, isSynced else {
      throw failure(isSynced ? errno : code)
    }
    try place.publish()
  }
}
