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

  private enum Target {
    /// A file to make or replace.
    case file(String)
    /// A device or a pipe.
    case stream(String)
    /// A stream that is open in this process.
    case open(Int32)
  }

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

  /// Checks whether a path can be written, before the work whose result goes there.
  /// - Parameters:
  ///   - name: The path.
  ///   - coming: A folder that the work makes: what is in it is not there yet.
  /// - Throws: `Failure` (cannotCreate) if it cannot.
  package static func check(_ name: String, coming: String? = nil) throws(Failure) {
    switch try target(name) {
    case .file(let path):
      let folder = KeptFiles.parts(of: path).folder
      if let coming, FileStatus(folder) == nil, isSame(folder, coming) { return }
      guard let status = FileStatus(folder) else {
        throw .system(
          .cannotCreate, "\(quoted(name)) cannot be created in the folder \(quoted(folder))",
          errno: errno, remedy: "Make the folder first, or name another one.")
      }
      guard status.isFolder else {
        throw Failure(
          .cannotCreate,
          "\(quoted(name)) cannot be created: \(quoted(folder)) is not a folder; name another one.")
      }
      // The file is written beside its name first.
      guard access(folder, W_OK | X_OK) == 0 else {
        throw .system(
          .cannotCreate, "\(quoted(name)) cannot be created in the folder \(quoted(folder))",
          errno: errno, remedy: "Name another folder.")
      }
    case .stream(let path):
      guard access(path, W_OK) == 0 else {
        throw .system(.cannotCreate, "\(quoted(name)) cannot be written", errno: errno)
      }
      var status = stat()
      // It takes no byte, and says so only when it is given some.
      guard stat(path, &status) != 0 || status.st_rdev != fullDevice else {
        throw Failure(
          .cannotCreate, "\(quoted(name)) is the device that is always full; name a file.")
      }
    case .open: break
    }
  }

  /// The device number of `/dev/full`, which Linux gives to nothing else.
  private static let fullDevice: dev_t = 0x107

  /// Whether two paths are the same but for slashes and dots.
  private static func isSame(_ one: String, _ other: String) -> Bool {
    func parts(_ path: String) -> [Substring] { path.split(separator: "/").filter { $0 != "." } }
    return one.hasPrefix("/") == other.hasPrefix("/") && parts(one) == parts(other)
  }

  /// Checks all outputs of a command before its work, as `check` does each, and that none of them
  /// replaces another or what the command reads.
  /// - Parameters:
  ///   - outputs: What asks for each, `--chart`, and its path.
  ///   - inputs: Words that may be paths of files to read.
  ///   - coming: A folder that the work makes.
  /// - Throws: `Failure`: cannotCreate for one that cannot be written, usage for two that are the
  ///   same file, or one that is read.
  package static func check(
    _ outputs: [(option: String, path: String)], reading inputs: [String] = [],
    coming: String? = nil
  ) throws(Failure) {
    var files: [(option: String, place: FileStatus.Identity, name: String)] = []
    for (option, path) in outputs {
      try check(path, coming: coming)
      guard case .file(let file) = try target(path) else { continue }
      let (folder, name) = KeptFiles.parts(of: file)
      guard let place = FileStatus(folder)?.identity else { continue }
      if let other = files.first(where: { $0.place == place && $0.name == name }) {
        throw Failure(
          .usage,
          "\(other.option) and \(option) both write \(quoted(path)); give each a file of its own.")
      }
      files.append((option, place, name))
      guard let old = FileStatus(file) else { continue }
      for input in inputs where FileStatus(input)?.isSameFile(as: old) == true {
        throw Failure(
          .usage,
          "\(option) would replace \(quoted(input)), which is read; name another file.")
      }
    }
  }

  /// Whether a path would be one of the files of a run that is yet to be made in a folder.
  package static func isFile(_ name: String, ofRunIn folder: String) -> Bool {
    let parts = KeptFiles.parts(of: name)
    if isSame(parts.folder, folder) { return KeptFiles.isOfRun(parts.name) }
    let above = KeptFiles.parts(of: parts.folder)
    return isSame(above.folder, folder) && KeptFiles.isOfRun(above.name)
  }

  /// Whether a path is that of a regular file, next to which other files can be written.
  package static func isFile(_ name: String) -> Bool {
    if case .file? = try? target(name) { true } else { false }
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

  // MARK: Resolving a path

  /// The longest chain of links; the system follows as many.
  private static let mostLinks = 40

  private static func target(_ name: String) throws(Failure) -> Target {
    guard !name.isEmpty, name.isPath else {
      throw Failure(.cannotCreate, "\(quoted(name)) is not a file name; give another one.")
    }
    // Only as a whole name: a link may lead to a file of this name.
    var path = name == "-" ? "/dev/stdout" : name
    for _ in 0..<mostLinks {
      if let number = openStream(path) {
        guard fcntl(number, F_GETFD) >= 0 else {
          throw .system(.cannotCreate, "\(quoted(name)) cannot be written", errno: errno)
        }
        return .open(number)
      }
      guard let status = FileStatus(path, followsLinks: false) else {
        guard errno == ENOENT else {
          throw .system(.cannotCreate, "\(quoted(name)) cannot be created", errno: errno)
        }
        return try .file(unkept(path, name))
      }
      switch status.kind {
      case .file: return try .file(unkept(path, name))
      case .pipe, .device: return .stream(path)
      case .link: path = try followed(path, name)
      case .folder:
        throw Failure(
          .cannotCreate,
          "\(quoted(name)) is a folder; name a file such as "
            + "\(quoted(name + (name.hasSuffix("/") ? "" : "/") + "NAME"))."
        )
      case .disk:
        throw Failure(
          .cannotCreate, "\(quoted(name)) is a disk and would be overwritten; name a file.")
      case .socket, .other:
        throw Failure(
          .cannotCreate, "\(quoted(name)) is neither a file nor a device or pipe; name a file.")
      }
    }
    throw Failure(
      .cannotCreate, "The link \(quoted(name)) is part of a loop of links; name a file.")
  }

  /// The path of a file that may be made or replaced.
  private static func unkept(_ path: String, _ name: String) throws(Failure) -> String {
    guard let owner = KeptFiles.owner(of: path) else { return path }
    throw Failure(
      .cannotCreate,
      "\(quoted(name)) is a file of \(owner), which would be damaged; name another file.")
  }

  /// The target of a link, relative to the link's folder.
  private static func followed(_ link: String, _ name: String) throws(Failure) -> String {
    var target = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let count = readlink(link, &target, target.count)
    guard count > 0, count < target.count,
      let text = String(validating: target[..<count], as: UTF8.self)
    else {
      throw .system(.cannotCreate, "The link \(quoted(name)) cannot be followed", errno: errno)
    }
    if text.hasPrefix("/") { return text }
    let folder = link.lastIndex(of: "/").map { link[...$0] } ?? ""
    return folder + text
  }

  /// Whether a path is standard output, so that messages must not go there.
  package static func isStandardOutput(_ name: String) -> Bool {
    if case .open(1)? = try? target(name) { true } else { false }
  }

  /// The number of the open stream that a path such as `/dev/fd/3` stands for.
  ///
  /// If such a stream leads to a file, the file must not be replaced.
  private static func openStream(_ path: String) -> Int32? {
    if path == "/dev/stdout" { return 1 }
    if path == "/dev/stderr" { return 2 }
    for folder in ["/dev/fd/", "/proc/self/fd/", "/proc/\(getpid())/fd/"]
    where path.hasPrefix(folder) {
      return Int32(path.dropFirst(folder.count))
    }
    return nil
  }
}
