import CArchive
import Glibc
import System

/// Writes one shard: an ordinary tar file with two members for every record, `KEY.jpg` or `KEY.png`
/// and `KEY.cls` (the class number in decimal), in the layout that `tar` and the Python package
/// `webdataset` read.
///
/// Owner, permissions and times are fixed, so the same records give the same bytes.
final class ShardWriter {
  private let file: OutputFile
  private let archive: OpaquePointer?
  private let entry: OpaquePointer?
  private var failure: Failure?

  /// Creates a tar file.
  /// - Throws: `Failure` (cannot create) with the path.
  init(creating path: String) throws(Failure) {
    file = try OutputFile(creating: path)
    archive = archive_write_new()
    entry = archive_entry_new()
    archive_write_set_format_ustar(archive)
    archive_write_add_filter_none(archive)
    // Without buffering, the file's position is the member's offset.
    archive_write_set_bytes_per_block(archive, 0)
    archive_write_set_bytes_in_last_block(archive, 1)
    let code = archive_write_open2(
      archive, Unmanaged.passUnretained(self).toOpaque(), nil,
      { _, context, bytes, count in
        guard let context else { return -1 }
        let writer = Unmanaged<ShardWriter>.fromOpaque(context).takeUnretainedValue()
        return writer.receive(UnsafeRawBufferPointer(start: bytes, count: count)) ? count : -1
      }, nil, nil)
    try check(code)
  }

  deinit {
    archive_entry_free(entry)
    // A writer that is abandoned must not write the end of the archive to a closed file.
    archive_write_fail(archive)
    archive_write_free(archive)
  }

  /// The number of bytes so far.
  var position: UInt64 { file.position }

  /// Appends a regular file and returns the offset of its first byte in the archive.
  /// - Throws: `Failure` (input/output) with the path.
  func append(_ name: String, _ bytes: UnsafeRawBufferPointer) throws(Failure) -> UInt64 {
    archive_entry_clear(entry)
    archive_entry_set_pathname(entry, name)
    archive_entry_set_size(entry, Int64(bytes.count))
    archive_entry_set_filetype(entry, S_IFREG)
    archive_entry_set_perm(entry, 0o644)
    archive_entry_set_mtime(entry, 0, 0)
    try check(archive_write_header(archive, entry))
    let offset = file.position
    guard archive_write_data(archive, bytes.baseAddress, bytes.count) == bytes.count else {
      throw currentFailure
    }
    try check(archive_write_finish_entry(archive))
    return offset
  }

  /// Ends the archive and syncs it to disk; returns its SHA-256.
  /// - Throws: `Failure` (input/output) with the path.
  func finish() throws(Failure) -> String {
    try check(archive_write_close(archive))
    return try file.finish()
  }

  private func receive(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard failure == nil else { return false }
    do throws(Failure) {
      try file.write(bytes)
      return true
    } catch {
      failure = error
      return false
    }
  }

  private func check(_ code: Int32) throws(Failure) {
    if code != ARCHIVE_OK { throw currentFailure }
  }

  private var currentFailure: Failure {
    if let failure { return failure }
    let text = archive_error_string(archive).map { String(cString: $0) } ?? "unknown error"
    return Failure(.inputOutput, "Cannot write \(quoted(file.path)): \(text).")
  }
}
