import Glibc

/// A file that appears under its name when it is whole: until then it is written under another one.
///
/// The one writer of such files. `OutputPlace` says what a user's name may be, `PartialFile` what a
/// file of a run is called meanwhile; the files of a folder that itself takes its name when it is
/// whole are written under their own.
package final class WholeFile {
  private enum Place {
    case named(OutputPlace)
    case inFolder(PartialFile)
    case itsOwn
  }

  /// The file as complaints name it.
  package let path: String
  /// What to do where the disk is full.
  package static let remedy = "Make room, or name another place."
  /// Where the bytes go; libraries that write themselves are given this.
  package let descriptor: Int32
  private let place: Place
  private var isOpen = true

  /// Begins a file that a user has named; what stands under its name stays there until `publish`.
  /// - Throws: `Failure` (cannotCreate) where it cannot be created.
  package convenience init(_ path: String) throws(Failure) {
    let place = try OutputPlace(path)
    try self.init(
      path, .named(place), open(place.temporary, O_RDWR | O_NOFOLLOW | O_CLOEXEC))
  }

  /// Begins a file of a folder that is held open; what stands under its name stays there until
  /// `publish`, and what never gets there under its temporary one until the next writer.
  /// - Throws: `Failure` (cannotCreate) where it cannot be created.
  package convenience init(_ name: String, in folder: HeldFolder) throws(Failure) {
    let file = PartialFile(name, in: folder)
    file.remove()
    try self.init(
      folder.path(of: file.temporary), .inFolder(file),
      openFile(
        file.temporary, in: folder, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o666))
  }

  /// Begins a file that must not exist, under its own name: one of a folder that is not whole yet.
  /// - Throws: `Failure` (cannotCreate) where it cannot be created.
  package convenience init(new path: String) throws(Failure) {
    try self.init(
      path, .itsOwn,
      openFile(path, in: nil, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o666))
  }

  private init(_ path: String, _ place: Place, _ descriptor: Int32) throws(Failure) {
    (self.path, self.place, self.descriptor) = (path, place, descriptor)
    guard descriptor >= 0 else {
      isOpen = false
      throw .system(.cannotCreate, "\(quoted(path)) cannot be created", errno: errno)
    }
  }

  deinit {
    if isOpen { close(descriptor) }
  }

  private var remedy: String {
    // A run's folder cannot be another one while it trains.
    if case .inFolder = place { "Make room." } else { Self.remedy }
  }

  /// Appends bytes.
  /// - Throws: `Failure` (inputOutput) where they cannot be written.
  package func write(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
    let code = WholeTransfer.write(bytes, to: descriptor)
    guard code == 0 else { throw failure(code) }
  }

  /// Appends bytes.
  /// - Throws: `Failure` (inputOutput) where they cannot be written.
  package func write(_ bytes: [UInt8]) throws(Failure) {
    try bytes.withUnsafeBufferPointer { bytes throws(Failure) in
      try write(UnsafeRawBufferPointer(bytes))
    }
  }

  /// What is said where bytes cannot be written.
  package func failure(_ code: Int32) -> Failure {
    let isFull = code == ENOSPC || code == EDQUOT || code == EFBIG
    return .system(
      .inputOutput, "\(quoted(path)) cannot be written", errno: code,
      remedy: isFull ? remedy : "")
  }

  /// Brings the file to the disk and gives it its name: a name that outlives a loss of power must
  /// not outlive what it stands for.
  /// - Throws: `Failure` (inputOutput) where the disk or the folder refuses.
  package func publish() throws(Failure) {
    let isSynced = fsync(descriptor) == 0
    let code = errno
    isOpen = false
    guard close(descriptor) == 0, isSynced else {
      throw failure(isSynced ? errno : code)
    }
    switch place {
    case .named(let place): try place.publish()
    case .inFolder(let file): try file.publish()
    case .itsOwn: break
    }
  }
}
