import Glibc
import System

/// A file in the run's folder that this process keeps open for appending while the run trains.
struct KeptFile {
  /// The file's path in the run's folder.
  let name: String
  /// The file descriptor; it stays the same whatever happens to the file.
  let descriptor: Int32

  /// The state of a file.
  enum Fate {
    /// The file exists under its name.
    case stands
    /// The file was deleted, and has been written again with all its contents.
    case putBack
    /// Another file has replaced it, and is used from now on.
    case replaced
  }

  /// Checks that appended text can be found under the file's name.
  /// - Throws: `Failure` (inputOutput) if a deleted file cannot be written again, or a link or
  ///   folder has its name.
  func lookAfter(in folder: HeldFolder) throws(Failure) -> Fate {
    guard let named = folder.status(of: name) else {
      try putBack(in: folder)
      return .putBack
    }
    guard let own = FileStatus(descriptor: descriptor), !own.isSameFile(as: named) else {
      return .stands
    }
    let other = openFile(name, in: folder, O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK)
    guard other >= 0, named.isFile else {
      if other >= 0 { close(other) }
      throw Failure(
        .inputOutput,
        "\(quoted(folder.path(of: name))) was replaced by something that the run cannot write to; "
          + "remove it and continue with --resume.")
    }
    take(other)
    return .replaced
  }

  /// Writes a deleted file again: the open descriptor still has its contents.
  private func putBack(in folder: HeldFolder) throws(Failure) {
    if let slash = name.lastIndex(of: "/") { try folder.makeFolder(String(name[..<slash])) }
    let copy = openFile(
      name, in: folder, O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o666)
    var code = copy < 0 ? errno : 0
    var (block, offset) = ([UInt8](repeating: 0, count: 1 << 16), 0)
    while code == 0 {
      let count = pread(descriptor, &block, block.count, off_t(offset))
      guard count > 0 else {
        code = count < 0 ? errno : 0
        break
      }
      code = block.withUnsafeBytes {
        WholeTransfer.write(UnsafeRawBufferPointer(rebasing: $0[..<count]), to: copy)
      }
      offset += count
    }
    guard code == 0 else {
      if copy >= 0 { close(copy) }
      throw .system(
        .inputOutput, "\(quoted(folder.path(of: name))) was deleted and cannot be written again",
        errno: code)
    }
    take(copy)
  }

  /// Makes another file use this one's descriptor.
  private func take(_ other: Int32) {
    dup2(other, descriptor)
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    close(other)
  }
}
