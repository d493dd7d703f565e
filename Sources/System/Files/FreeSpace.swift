import Glibc

/// The room that is left on a disk.
package enum FreeSpace {
  /// The bytes that a file system has for this user; nil if it does not tell.
  /// - Parameter path: A file or folder on it.
  /// - Returns: The bytes.
  package static func bytes(at path: String) -> UInt64? {
    var status = statvfs()
    return statvfs(path, &status) == 0 ? bytes(status) : nil
  }

  /// The same of the file system of an open file.
  package static func bytes(of descriptor: Int32) -> UInt64? {
    var status = statvfs()
    return fstatvfs(descriptor, &status) == 0 ? bytes(status) : nil
  }

  private static func bytes(_ status: statvfs) -> UInt64 {
    let (bytes, overflow) = UInt64(status.f_bavail).multipliedReportingOverflow(
      by: UInt64(status.f_frsize))
    return overflow ? .max : bytes
  }
}
