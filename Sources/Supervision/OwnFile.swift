import Glibc
import System

/// A small file that says whose a folder is, and is removed only as long as it says what this process has written.
///
/// Everything here may be called in a signal's handler. The memory for its name and text is never freed.
package struct OwnFile: @unchecked Sendable {
  /// What the file's name leads to.
  package enum Standing: Sendable {
    /// This process's file, with its text.
    case own
    /// Nothing.
    case missing
    /// Another file, or this one with another text.
    case othersNow
  }

  private let name: UnsafePointer<CChar>
  private let folder: Int32
  private let file: Int32
  private let text: UnsafeBufferPointer<UInt8>

  /// Bytes of the text that are compared: they hold the process, its host and the time.
  private static let comparedLength = 512

  /// Names a file.
  /// - Parameters:
  ///   - name: Its name in the folder.
  ///   - folder: The folder's number with the system.
  ///   - file: The file's own, which stays open.
  ///   - text: What it holds when `write` has been called.
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
  }

  /// What the name leads to now.
  package var standing: Standing {
    // Opened anew: a network file system then asks its server.
    let found = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    guard found >= 0 else {
      // Any other error, a network file system's say, tells nothing about whose it is.
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

  /// Removes the file, where it is this process's still.
  package func remove() {
    if standing == .own { unlinkat(folder, name, 0) }
  }
}
