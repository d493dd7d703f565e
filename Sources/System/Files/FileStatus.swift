import Glibc

/// What the system says of a file.
///
/// Code outside this module asks this and not the C library's `stat`: as a Swift type with members
/// of our own that one is found or not by chance, where several modules import both it and them.
package struct FileStatus: Sendable {
  /// What kinds of file there are.
  package enum Kind: Sendable { case file, folder, link, pipe, device, disk, socket, other }

  /// Which file it is, whatever its names.
  package struct Identity: Hashable, Sendable {
    package let device: UInt64
    package let node: UInt64
  }

  /// What kind of file it is.
  package let kind: Kind
  /// Which file it is.
  package let identity: Identity
  /// Its length in bytes.
  package let size: Int
  /// What its owner, its group and others may do, as `chmod` takes it.
  package let mode: UInt32
  /// The number of the user that it belongs to.
  package let owner: UInt32
  /// How many names it has.
  package let links: Int
  /// When it was changed last, in nanoseconds since 1970.
  package let changed: Int64

  // Like the rest, to be called in a signal's handler too: nothing here takes memory.
  private init(_ status: stat) {
    kind =
      switch status.st_mode & S_IFMT {
      case S_IFREG: .file
      case S_IFDIR: .folder
      case S_IFLNK: .link
      case S_IFIFO: .pipe
      case S_IFCHR: .device
      case S_IFBLK: .disk
      case S_IFSOCK: .socket
      default: .other
      }
    identity = Identity(device: UInt64(status.st_dev), node: UInt64(status.st_ino))
    size = Int(status.st_size)
    mode = status.st_mode & 0o7777
    owner = status.st_uid
    links = Int(status.st_nlink)
    changed =
      Int64(status.st_mtim.tv_sec).multipliedReportingOverflow(by: 1_000_000_000).partialValue
      &+ Int64(status.st_mtim.tv_nsec)
  }

  /// Looks at what a path leads to, or at a link itself; nil, with `errno` set, where there is
  /// nothing.
  package init?(_ path: String, followsLinks: Bool = true) {
    var status = stat()
    guard (followsLinks ? stat(path, &status) : lstat(path, &status)) == 0 else { return nil }
    self.init(status)
  }

  /// Looks at what a path of any bytes leads to, or at a link itself; nil, with `errno` set, where
  /// there is nothing.
  package init?(_ path: PathBytes, followsLinks: Bool = true) {
    var status = stat()
    let code = path.withCString { followsLinks ? stat($0, &status) : lstat($0, &status) }
    guard code == 0 else { return nil }
    self.init(status)
  }

  /// Looks at an open file; nil, with `errno` set, where the number is no file's.
  package init?(descriptor: Int32) {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return nil }
    self.init(status)
  }

  /// Looks at a name in a folder, links not followed; nil, with `errno` set, where there is
  /// nothing.
  package init?(_ name: String, in folder: HeldFolder) {
    var status = stat()
    guard fstatat(folder.descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return nil }
    self.init(status)
  }

  /// Whether it is a regular file.
  package var isFile: Bool { kind == .file }
  /// Whether it is a folder.
  package var isFolder: Bool { kind == .folder }
  /// Whether it is a symbolic link.
  package var isLink: Bool { kind == .link }

  /// Whether both are of one file, whatever its names.
  package func isSameFile(as other: FileStatus) -> Bool { identity == other.identity }
}
