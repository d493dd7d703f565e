import Glibc
import System

/// The contents of one folder, sorted by the names' bytes.
struct FolderListing {
  enum Kind { case folder, file, other }
  struct Entry {
    let name: [UInt8]
    let kind: Kind
    let isLink: Bool
  }

  let entries: [Entry]
  /// The names that start with a dot, which are not among the entries.
  let hidden: [[UInt8]]

  /// Reads a folder; names that start with a dot are listed separately.
  /// - Throws: `Failure` (input missing) with the folder's path.
  init(of path: PathBytes) throws(Failure) {
    guard let folder = path.withCString({ opendir($0) }) else {
      throw .system(
        .inputMissing, "Cannot read the folder \(quoted(path.text))", errno: errno,
        remedy: "Check the path and its permissions.")
    }
    defer { closedir(folder) }
    var entries: [Entry] = []
    var hidden: [[UInt8]] = []
    while let entry = readdir(folder) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
        Array(bytes.prefix { $0 != 0 })
      }
      if name.first == UInt8(ascii: ".") {
        if !name.elementsEqual(".".utf8), !name.elementsEqual("..".utf8) { hidden.append(name) }
        continue
      }
      let type = Int(entry.pointee.d_type)
      entries.append(
        Entry(
          name: name, kind: Self.kind(type, path.appending(name)), isLink: type == DT_LNK))
    }
    self.entries = entries.sorted { $0.name.lexicographicallyPrecedes($1.name) }
    self.hidden = hidden.sorted { $0.lexicographicallyPrecedes($1) }
  }

  // Most file systems give the kind together with the name, which saves a million calls of stat.
  private static func kind(_ type: Int, _ path: PathBytes) -> Kind {
    if type == DT_REG { return .file }
    if type == DT_DIR { return .folder }
    guard let status = path.status else { return .other }
    return status.isFolder ? .folder : status.isFile ? .file : .other
  }
}
