package import Failures
import Foundation
import Glibc

/// A text file that grows line by line; what was appended is with the operating system at once.
package final class TextFile: Sendable {
  let path: String
  private let descriptor: Int32

  /// Opens or creates a file to write at its end.
  /// - Parameters:
  ///   - path: The file.
  ///   - lines: Where given, how many lines of the file are kept; what follows them is cut off.
  /// - Throws: `Failure` (cannotCreate) where the file cannot be opened or cut.
  package init(appendingTo path: String, keepingLines lines: Int? = nil) throws(Failure) {
    self.path = path
    descriptor = open(path, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      throw .system(.cannotCreate, "\(quoted(path)) cannot be written", errno: errno)
    }
    if let lines, ftruncate(descriptor, off_t(Self.length(of: lines, in: descriptor))) != 0 {
      let code = errno
      close(descriptor)
      throw .system(.cannotCreate, "\(quoted(path)) cannot be cut", errno: code)
    }
  }

  /// The bytes of a file's first lines, of all its lines where it has fewer.
  private static func length(of lines: Int, in descriptor: Int32) -> Int {
    var (length, left) = (0, lines)
    var block = [UInt8](repeating: 0, count: 1 << 16)
    while left > 0 {
      let count = pread(descriptor, &block, block.count, off_t(length))
      guard count > 0 else { break }
      var end = count
      for i in 0..<count where block[i] == UInt8(ascii: "\n") {
        left -= 1
        if left == 0 {
          end = i + 1
          break
        }
      }
      length += end
    }
    return length
  }

  deinit { close(descriptor) }

  /// Cuts off what follows the first lines.
  /// - Throws: `Failure` (inputOutput) where the file cannot be cut.
  func cut(toLines lines: Int) throws(Failure) {
    guard ftruncate(descriptor, off_t(Self.length(of: lines, in: descriptor))) == 0 else {
      throw .system(.inputOutput, "\(quoted(path)) cannot be cut", errno: errno)
    }
  }

  /// How many whole lines the file has, counted up to a limit.
  func lineCount(upTo limit: Int) -> Int {
    var (offset, lines) = (0, 0)
    var block = [UInt8](repeating: 0, count: 1 << 16)
    while lines < limit {
      let count = pread(descriptor, &block, block.count, off_t(offset))
      guard count > 0 else { break }
      lines += block[..<count].count { $0 == UInt8(ascii: "\n") }
      offset += count
    }
    return min(lines, limit)
  }

  /// Brings what was appended to the disk.
  /// - Throws: `Failure` (inputOutput) where the disk refuses.
  func bringToDisk() throws(Failure) {
    // What is not a file on a disk, a pipe say, cannot be brought there.
    guard fsync(descriptor) == 0 || errno == EINVAL || errno == EROFS else {
      throw .system(.inputOutput, "\(quoted(path)) cannot be brought to the disk", errno: errno)
    }
  }

  /// Appends a line.
  package func append(_ line: String) throws(Failure) {
    var text = line + "\n"
    let descriptor = descriptor
    let code = text.withUTF8 {
      WholeTransfer.write(UnsafeRawBufferPointer($0), to: descriptor)
    }
    guard code == 0 else {
      throw .system(.inputOutput, "\(quoted(path)) cannot be written", errno: code)
    }
  }

  /// The text of a whole file.
  /// - Throws: `Failure` (inputMissing) where it cannot be read.
  package static func read(_ path: String) throws(Failure) -> String {
    do { return try String(contentsOfFile: path, encoding: .utf8) } catch {
      throw Failure(.inputMissing, "The file \(quoted(path)) cannot be read as text.")
    }
  }

  /// Writes a whole text, whose last line has its end, as `write` does.
  package static func write(lines text: String, to path: String) throws(Failure) {
    try write(text.hasSuffix("\n") ? String(text.dropLast()) : text, to: path)
  }

  /// Writes a whole small file under a temporary name and renames it into place.
  package static func write(_ text: String, to path: String) throws(Failure) {
    let temporary = path + ".partial"
    unlink(temporary)
    let file = try TextFile(appendingTo: temporary)
    try file.append(text)
    // A name that outlives a loss of power must not outlive what it stands for.
    try file.bringToDisk()
    guard rename(temporary, path) == 0 else {
      throw .system(.inputOutput, "\(quoted(path)) cannot be written", errno: errno)
    }
  }
}
