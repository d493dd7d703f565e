import Glibc

/// What is found out about outputs before the work whose results go there.
extension OutputPlace {
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
}
