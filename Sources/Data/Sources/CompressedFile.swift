import CArchive
import Glibc
import System

/// A file read sequentially, and decompressed (by libarchive) if it is compressed with gzip.
final class CompressedFile {
  private let path: String
  private let archive: OpaquePointer?

  /// Opens a file, plain or compressed.
  /// - Throws: `Failure`: input missing if it cannot be opened, bad data if it is empty or damaged.
  init(opening path: String) throws(Failure) {
    self.path = path
    // Reports problems with the path; libarchive reads ahead, and does not tell these from problems
    // with the contents.
    _ = try InputFile(opening: path)
    archive = archive_read_new()
    archive_read_support_filter_gzip(archive)
    archive_read_support_format_raw(archive)
    var entry: OpaquePointer?
    guard archive_read_open_filename(archive, path, 1 << 16) == ARCHIVE_OK,
      archive_read_next_header(archive, &entry) == ARCHIVE_OK
    else { throw Failure(.badData, "\(quoted(path)) is empty or damaged; download it again.") }
  }

  deinit { archive_read_free(archive) }

  /// Fills the memory with the next bytes and returns how many there were: fewer only at the end.
  /// - Throws: `Failure` (bad data) when the compressed data is damaged or cut off.
  func read(into memory: UnsafeMutableRawBufferPointer) throws(Failure) -> Int {
    var done = 0
    while done < memory.count {
      let rest = UnsafeMutableRawBufferPointer(rebasing: memory[done...])
      let count = archive_read_data(archive, rest.baseAddress, rest.count)
      guard count >= 0 else {
        throw Failure(.badData, "\(quoted(path)) is damaged: \(errorText); download it again.")
      }
      if count == 0 { break }
      done += count
    }
    return done
  }

  private var errorText: String {
    archive_error_string(archive).map { String(cString: $0) } ?? "unknown error"
  }
}
