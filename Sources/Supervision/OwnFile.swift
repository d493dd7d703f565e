import Glibc
import System

/// A small file that names the owner of a folder, and is removed only while it still contains what
/// this process wrote.
///
/// All methods may be called in a signal handler. The memory for its name and text is never freed.
package struct OwnFile: @unchecked Sendable {
  /// What is at the file's path.
  package enum Standing: Sendable {
    /// This process's file, with its text.
    case own
    /// No file.
    case missing
    /// Another file, or this file with another text.
    case othersNow
  }

  private let name: UnsafePointer<CChar>
  private let folder: Int32
  private let file: Int32
  private let text: UnsafeBufferPointer<UInt8>

  /// The number of bytes of the text that are compared: they contain the process, its host and the
  /// time.
  private static let comparedLength = 512

  /// - Parameters:
  ///   - name: Its name in the folder.
  ///   - folder: The folder's file descriptor.
  ///   - file: The file's descriptor, which stays open.
  ///   - text: The file's contents after `write`.
  package init(_ name: String, in folder: Int32, _ file: Int32, text: String) {
    self.name = UnsafePointer(strdup(name))
    (self.folder, self.file) = (folder, file)
    let bytes = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: text.utf8.count)
    _ = bytes.initialize(from: text.utf8)
    self.text = UnsafeBufferPointer(bytes)
  }

  /// Writes the text.
  package func write() {
    ftruncate(file, 0)
    pwrite(file, text.baseAddress, text.count, 0)
    // Other hosts read it, though it stays open here.
    fsync(file)
  }

  /// What is at the path now.
  package var standing: Standing {
    // Opened again: a network file system then asks its server.
    let found = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    guard found >= 0 else {
      // Other errors, for example of a network file system, do not tell whose file it is.
      return errno == ENOENT ? .missing : errno == ELOOP ? .othersNow : .own
    }
    defer { close(found) }
    guard let own = FileStatus(descriptor: file), let named = FileStatus(descriptor: found) else {
      return .own
    }
    guard own.isSameFile(as: named) else { return .othersNow }
    return withUnsafeTemporaryAllocation(byteCount: Self.comparedLength, alignment: 1) { bytes in
      let length = min(text.count, Self.comparedLength)
      let count = pread(found, bytes.start, length, 0)
      guard count >= 0 else { return .own }
      return count == length && memcmp(bytes.start, text.start, length) == 0 ? .own : .othersNow
    }
  }

  /// Removes the file if it still belongs to this process.
  package func remove() {
    if standing == .own { unlinkat(folder, name, 0) }
  }
}
