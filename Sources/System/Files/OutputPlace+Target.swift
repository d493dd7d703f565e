import Glibc

/// Where a path leads: links are followed, and what must not be replaced is refused.
extension OutputPlace {
  /// What is at a path.
  enum Target {
    /// A file to make or replace.
    case file(String)
    /// A device or a pipe.
    case stream(String)
    /// A stream that is open in this process.
    case open(Int32)
  }

  /// The longest chain of links; the system follows as many.
  private static let mostLinks = 40

  /// Finds out what is at a path.
  /// - Throws: `Failure` (cannotCreate) if nothing can be written there.
  static func target(_ name: String) throws(Failure) -> Target {
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
