import Images
import System

/// Reads and decodes records; each thread has its own.
final class RecordReader {
  private let decoder: RecordDecoder
  private let buffer = ByteBuffer()

  init() throws(Failure) { decoder = try RecordDecoder() }

  /// Decodes a record into `side * side * 3` RGB bytes.
  /// - Throws: `Failure` that names the shard and the record: input/output if it cannot be read,
  ///   bad data if the file has become too short, or the checksum or the picture is wrong.
  func decode(
    _ place: RecordPlace, from shard: InputFile, as encoding: RecordEncoding, side: Int,
    record: Int,
    into output: UnsafeMutableBufferPointer<UInt8>
  ) throws(Failure) {
    buffer.resize(Int(place.length))
    guard shard.read(at: place.offset, into: buffer.bytes) else {
      let size = shard.sizeNow
      if size < place.offset + UInt64(place.length) {
        throw Failure(
          .badData,
          "\(quoted(shard.path)) ends after \(size) bytes, in or before record \(record), but had "
            + "\(shard.size) when it was opened; copy or prepare the dataset again.")
      }
      throw Failure(
        .inputOutput,
        "Record \(record) cannot be read from \(quoted(shard.path)) at byte \(place.offset); "
          + "check the disk, or prepare the dataset again.")
    }
    guard crc32(of: UnsafeRawBufferPointer(buffer.bytes)) == place.crc32 else {
      throw Failure(
        .badData,
        "Record \(record) in \(quoted(shard.path)), at byte \(place.offset), is damaged: its "
          + "checksum differs from the index; copy or prepare the dataset again (--skip-corrupt "
          + "skips such records)."
      )
    }
    do throws(ImageProblem) {
      try decoder.decode(
        UnsafeRawBufferPointer(buffer.bytes), as: encoding, side: side, into: output)
    } catch {
      throw Failure(
        .badData,
        "Record \(record) in \(quoted(shard.path)), at byte \(place.offset), \(error.reason); "
          + "prepare the dataset again.")
    }
  }
}
