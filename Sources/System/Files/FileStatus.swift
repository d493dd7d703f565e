package import Glibc

extension stat {
  /// Whether it is of a regular file.
  package var isFile: Bool { st_mode & S_IFMT == S_IFREG }
  /// Whether it is of a folder.
  package var isFolder: Bool { st_mode & S_IFMT == S_IFDIR }

  /// Whether both are of one file, whatever its names.
  package func isSameFile(as other: stat) -> Bool {
    st_dev == other.st_dev && st_ino == other.st_ino
  }

  /// When the file was changed last, in nanoseconds since 1970.
  package var changed: Int64 {
    Int64(st_mtim.tv_sec).multipliedReportingOverflow(by: 1_000_000_000).partialValue
      &+ Int64(st_mtim.tv_nsec)
  }
}
