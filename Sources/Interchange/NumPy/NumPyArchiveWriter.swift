import CArchive
import Glibc
import Safetensors
package import System

/// Writes arrays as a .npz file, a zip archive of .npy files (by libarchive); `numpy.load` reads
/// it.
///
/// The file gets its name when it is complete. Equal arrays give equal bytes.
package final class NumPyArchiveWriter {
  private let file: WholeFile
  private let archive: OpaquePointer?

  /// Starts a file.
  /// - Throws: `Failure` (cannotCreate) if it cannot be created.
  package init(creating path: String) throws(Failure) {
    file = try WholeFile(path)
    archive = archive_write_new()
    archive_write_set_format_zip(archive)
    // As numpy.savez does; weights do not compress.
    archive_write_zip_set_compression_store(archive)
    archive_write_set_bytes_in_last_block(archive, 1)
    try check(archive_write_open_fd(archive, file.descriptor))
  }

  deinit { archive_write_free(archive) }

  /// Appends an array under a name.
  /// - Throws: `Failure` (inputOutput) if it cannot be written.
  package func append(
    _ name: String, shape: [Int], _ numbers: UnsafeBufferPointer<Float>
  ) throws(Failure) {
    try append(name, NumPyHeader(.float32, shape: shape), UnsafeRawBufferPointer(numbers))
  }

  /// Appends a one-dimensional array of bytes under a name.
  /// - Throws: `Failure` (inputOutput) if it cannot be written.
  func append(_ name: String, bytes: [UInt8]) throws(Failure) {
    try bytes.withUnsafeBufferPointer { buffer throws(Failure) in
      try append(
        name, NumPyHeader(.uint8, shape: [buffer.count]), UnsafeRawBufferPointer(buffer))
    }
  }

  private func append(
    _ name: String, _ header: NumPyHeader, _ numbers: UnsafeRawBufferPointer
  ) throws(Failure) {
    precondition(
      header.count * header.format.byteCount == numbers.count,
      "The shape must match the number of elements.")
    let start = header.encoded
    let entry = archive_entry_new()
    defer { archive_entry_free(entry) }
    archive_entry_set_pathname_utf8(entry, name + ".npy")
    archive_entry_set_size(entry, la_int64_t(start.count + numbers.count))
    archive_entry_set_filetype(entry, Glibc.S_IFREG)
    archive_entry_set_perm(entry, 0o644)
    // The earliest date that a zip archive can hold.
    archive_entry_set_mtime(entry, 315_532_800, 0)
    try check(archive_write_header(archive, entry))
    try start.withUnsafeBufferPointer { bytes throws(Failure) in
      try write(UnsafeRawBufferPointer(bytes))
    }
    try write(numbers)
    try check(archive_write_finish_entry(archive))
  }

  /// Syncs the file to disk and gives it its name.
  /// - Throws: `Failure` (inputOutput) if that fails.
  package func finish() throws(Failure) {
    try check(archive_write_close(archive))
    try file.publish()
  }

  private func write(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
    var rest = bytes
    while !rest.isEmpty {
      let count = archive_write_data(archive, rest.baseAddress, min(rest.count, 1 << 26))
      guard count > 0 else { throw failure }
      rest = UnsafeRawBufferPointer(rebasing: rest[count...])
    }
  }

  private func check(_ code: Int32) throws(Failure) {
    guard code == ARCHIVE_OK else { throw failure }
  }

  private var failure: Failure {
    let code = archive_errno(archive)
    // An error number of the system, or libarchive's own.
    return code > 0
      ? file.failure(code)
      : Failure(
        .inputOutput, "\(quoted(file.path)) cannot be written: \(archiveError(archive)).")
  }
}
