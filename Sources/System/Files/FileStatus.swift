package import Glibc

extension stat {
  /// Whether it is the status of a regular file.
  package var isFile: Bool { st_mode & S_IFMT == S_IFREG }
  /// Whether it is the status of a folder.
  package var isFolder: Bool { st_mode & S_IFMT == S_IFDIR }

  /// Whether both belong to the same file, whatever its names.
  package func isSameFile(as other: stat) -> Bool {
    st_dev == other.st_dev && st_ino == other.st_ino
  }

  /// The file's modification time, in nanoseconds since 1970.
  package var changed: Int64 {
    Int64(st_mtim.tv_sec).multipliedReportingOverflow(by: 1_000_000_000).partialValue
      &+ Int64(st_mtim.tv_nsec)
  }
}
