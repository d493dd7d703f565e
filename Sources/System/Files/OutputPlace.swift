import Glibc

/// The destination of an output file that the user named; all output files follow the same rules.
///
/// - A new name, or that of a regular file: the bytes are written to a temporary file next to it,
///   which is renamed when it is complete.
/// - A symbolic link is followed: the file it leads to is made or replaced, and the link stays.
/// - A device, a pipe or an open stream (`/dev/null`, `/dev/stdout`, `/dev/fd/3`) stays what it is:
///   it gets the bytes when they are complete.
/// - `-` is standard output, as elsewhere; `./-` is a file.
/// - A folder, a disk and a socket are refused.
/// - So are the files of datasets and runs, `KeptFiles`.
///
/// The writer fills the file `temporary`, and then calls `publish`. If `publish` is never called,
/// nothing is left behind, unless the process is killed.
package final class OutputPlace {
  /// The name that the user gave.
  package let name: String
  /// The file to write into: a new, empty file of this process.
  package let temporary: String
  private let target: Target
  private var isPublished = false

  /// Finds out what is at a path, and makes the temporary file.
  /// - Throws: `Failure` (cannotCreate) if nothing can be written there.
  package init(_ name: String) throws(Failure) {
    self.name = name
    target = try Self.target(name)
    if case .file(let path) = target {
      temporary = try Self.newFile(beside: path, name)
      return
    }
    let place = TemporaryFiles.folder
    var template = Array("\(place)/alexnet-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw .system(
        .cannotCreate, "Cannot create a temporary folder in \(quoted(place))", errno: errno,
        remedy: "Set TMPDIR to another folder.")
    }
    let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    do throws(Failure) {
      temporary = try Self.newFile(beside: folder + "/file", name)
    } catch {
      rmdir(folder)
      throw error
    }
  }

  /// Makes a file next to another one, with this process's id in its name; existing files are not
  /// touched.
  private static func newFile(beside path: String, _ name: String) throws(Failure) -> String {
    for attempt in 1...1000 {
      let other = "\(path).\(getpid())\(attempt == 1 ? "" : "-\(attempt)").partial"
      let file = open(other, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o666)
      if file >= 0 {
        close(file)
        return other
      }
      guard errno == EEXIST else { break }
    }
    throw .system(.cannotCreate, "\(quoted(name)) cannot be created", errno: errno)
  }

  deinit { if !isPublished { discard() } }

  /// Renames the complete file to its final name, or copies it to its stream.
  /// - Throws: `Failure` (inputOutput) if that fails.
  package func publish() throws(Failure) {
    defer { if !isPublished { discard() } }
    switch target {
    case .file(let path):
      guard rename(temporary, path) == 0 else { throw failure(errno) }
    case .stream(let path):
      let descriptor = try opened(path)
      defer { close(descriptor) }
      try send(to: descriptor)
      discard()
    case .open(let descriptor):
      try send(to: descriptor)
      discard()
    }
    isPublished = true
  }

  /// Removes the file if it was not published.
  private func discard() {
    unlink(temporary)
    if case .file = target { return }
    if let slash = temporary.lastIndex(of: "/") { rmdir(String(temporary[..<slash])) }
  }

  private func failure(_ code: Int32, remedy: String = "") -> Failure {
    .system(.inputOutput, "\(quoted(name)) cannot be written", errno: code, remedy: remedy)
  }

  // MARK: Streams

  /// Seconds to wait for the reader of a named pipe.
  private static let patience = 10.0

  private func opened(_ path: String) throws(Failure) -> Int32 {
    var left = Self.patience
    while true {
      // A named pipe without a reader would keep the program waiting for ever.
      let descriptor = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
      if descriptor >= 0 { return descriptor }
      guard errno == ENXIO, left > 0 else {
        throw failure(
          errno, remedy: errno == ENXIO ? "Nobody reads the pipe; start its reader first." : "")
      }
      usleep(100_000)
      left -= 0.1
    }
  }

  private func send(to stream: Int32) throws(Failure) {
    let file = open(temporary, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
    guard file >= 0 else { throw failure(errno) }
    defer { close(file) }
    let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
    defer { room.deallocate() }
    while true {
      let count = read(file, room.baseAddress, room.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw failure(errno) }
      if count == 0 { return }
      let code = WholeTransfer.write(
        UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(room)[..<count]), to: stream)
      // A reader that has closed the pipe needs nothing more.
      if code == EPIPE { return }
      guard code == 0 else { throw failure(code) }
    }
  }
}
