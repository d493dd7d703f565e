import Foundation
import Glibc
package import System

/// A text file for appending lines; each is passed to the operating system at once.
package final class TextFile: Sendable {
  /// The file's path, relative to the folder if one was given.
  let name: String
  private let folder: HeldFolder?
  /// The file descriptor.
  let descriptor: Int32

  private var path: String { folder?.path(of: name) ?? name }

  /// Opens or creates a file for appending.
  /// - Parameters:
  ///   - name: The file's path, relative to `folder` if given.
  ///   - folder: An open folder.
  ///   - records: If given, how many of the file's records, lines of JSON, are kept; the rest is
  ///     cut off.
  /// - Throws: `Failure` (cannotCreate) if the file cannot be opened or cut.
  package init(
    appendingTo name: String, in folder: HeldFolder? = nil, keepingRecords records: Int? = nil
  ) throws(Failure) {
    (self.name, self.folder) = (name, folder)
    descriptor = openFile(
      name, in: folder, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW, mode: 0o666)
    guard descriptor >= 0 else {
      throw .system(.cannotCreate, "\(quoted(path)) cannot be written", errno: errno)
    }
    if let records,
      ftruncate(descriptor, off_t(Self.records(upTo: records, in: descriptor).length)) != 0
    {
      throw .system(.cannotCreate, "\(quoted(path)) cannot be truncated", errno: errno)
    }
  }

  /// The first records of a file, or all its complete ones if it has fewer.
  ///
  /// A last line without a line end was being written when a process or the machine died, and a
  /// line that is not a JSON object was put there by somebody else: neither counts.
  /// - Parameters:
  ///   - limit: The largest number of records to look for.
  ///   - descriptor: The file.
  /// - Returns: Their number, and the bytes up to the end of the last of them.
  private static func records(
    upTo limit: Int, in descriptor: Int32
  ) -> (count: Int, length: Int) {
    var (found, length, offset) = (0, 0, 0)
    var (first, last): (UInt8?, UInt8?) = (nil, nil)
    var block = [UInt8](repeating: 0, count: 1 << 16)
    while found < limit {
      let count = pread(descriptor, &block, block.count, off_t(offset))
      guard count > 0 else { break }
      for (i, byte) in block[..<count].enumerated() {
        guard byte == UInt8(ascii: "\n") else {
          (first, last) = (first ?? byte, byte)
          continue
        }
        if first == UInt8(ascii: "{"), last == UInt8(ascii: "}") {
          (found, length) = (found + 1, offset + i + 1)
          if found == limit { break }
        }
        (first, last) = (nil, nil)
      }
      offset += count
    }
    return (found, length)
  }

  deinit { close(descriptor) }

  /// Cuts off everything after the first records.
  /// - Throws: `Failure` (inputOutput) if the file cannot be cut.
  func cut(toRecords count: Int) throws(Failure) {
    let length = Self.records(upTo: count, in: descriptor).length
    guard ftruncate(descriptor, off_t(length)) == 0 else {
      throw .system(.inputOutput, "\(quoted(path)) cannot be truncated", errno: errno)
    }
  }

  /// How many complete records the file has, counted up to a limit.
  func recordCount(upTo limit: Int) -> Int { Self.records(upTo: limit, in: descriptor).count }

  /// Syncs the appended text to disk.
  /// - Throws: `Failure` (inputOutput) if that fails.
  func bringToDisk() throws(Failure) {
    // Something other than a file on disk, for example a pipe, cannot be synced.
    guard fsync(descriptor) == 0 || errno == EINVAL || errno == EROFS else {
      throw .system(.inputOutput, "\(quoted(path)) cannot be flushed to the disk", errno: errno)
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

  /// The longest text to read as a whole.
  package static let longest = 256 << 20

  /// The text of a whole file of at most so many bytes.
  /// - Throws: `Failure` (inputMissing) if it cannot be read, (badData) if it is not text.
  package static func read(
    _ path: String, limit: Int = longest
  ) throws(Failure) -> String {
    let bytes = try RegularFile.contents(of: path, limit: limit)
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw Failure(.badData, "The file \(quoted(path)) cannot be read as text.")
    }
    return text
  }

  /// Writes a whole text with a line end after its last line, like `write`.
  package static func write(lines text: String, to path: String) throws(Failure) {
    try write(text.hasSuffix("\n") ? String(text.dropLast()) : text, to: path)
  }

  /// Writes a small file under a temporary name and renames it into place; `OutputPlace` lists
  /// other kinds of paths.
  package static func write(_ text: String, to path: String) throws(Failure) {
    try write(text, into: WholeFile(path))
  }

  /// Writes a small file in an open folder under a temporary name and renames it into place.
  package static func write(
    _ text: String, to name: String, in folder: HeldFolder
  ) throws(Failure) {
    try write(text, into: WholeFile(name, in: folder))
  }

  private static func write(_ text: String, into file: WholeFile) throws(Failure) {
    try file.write(Array((text + "\n").utf8))
    try file.publish()
  }
}
