import Glibc
import System

/// The location and the label of a record.
struct RecordPlace: Equatable, Sendable {
  /// The shard, counted from 0 in the order of the split's list of shards.
  var shard: UInt32
  /// The offset of the picture's first byte in the shard.
  var offset: UInt64
  /// The picture's length in bytes.
  var length: UInt32
  /// The class.
  var label: UInt32
  /// CRC-32 of the picture's bytes.
  var crc32: UInt32
}

/// The locations of all records of a split, 24 bytes each, all numbers little-endian.
///
/// The file: the 8 characters `ALEXINDX`, the version (32 bits), a record's size (32 bits, 24), the
/// number of records (64 bits); then for each record shard (32), offset (64), length (32), label
/// (32), CRC-32 (32).
final class RecordIndex: @unchecked Sendable {
  static let magic = Array("ALEXINDX".utf8)
  static let version: UInt32 = 1
  static let recordSize = 24
  static let headerSize = 24

  let count: Int
  // The file's bytes, never changed: 1.3 million records take 31 MB. They are read rather than
  // mapped, so that a file that shrinks while it is in use cannot kill the process.
  private let bytes: [UInt8]

  /// Reads the bytes of an index file.
  /// - Throws: `Failure` (bad data) that names the path.
  init(_ bytes: [UInt8], path: String) throws(Failure) {
    guard bytes.count >= Self.headerSize, bytes.starts(with: Self.magic) else {
      throw Failure(.badData, "\(quoted(path)) is not the index of a dataset.")
    }
    let version = bytes.number(UInt32.self, at: 8)
    guard (1...Self.version).contains(version) else {
      throw Failure(
        .badData,
        "The index \(quoted(path)) has format version \(version); this program reads versions up "
          + "to \(Self.version), so use the newer program that wrote it.")
    }
    let count = bytes.number(UInt64.self, at: 16)
    let (size, overflow) = count.multipliedReportingOverflow(by: UInt64(Self.recordSize))
    guard bytes.number(UInt32.self, at: 12) == UInt32(Self.recordSize), !overflow,
      size == UInt64(bytes.count - Self.headerSize)
    else { throw Failure(.badData, "The index \(quoted(path)) is not as long as its header says.") }
    self.count = Int(count)
    self.bytes = bytes
  }

  private init() { (count, bytes) = (0, []) }

  /// An index of no records.
  static let empty = RecordIndex()

  /// The location of a record.
  subscript(record: Int) -> RecordPlace {
    precondition(
      record >= 0 && record < count,
      "Record numbers must be from 0 to below \(count), not \(record).")
    let start = Self.headerSize + record * Self.recordSize
    return RecordPlace(
      shard: bytes.number(UInt32.self, at: start), offset: bytes.number(UInt64.self, at: start + 4),
      length: bytes.number(UInt32.self, at: start + 12),
      label: bytes.number(UInt32.self, at: start + 16),
      crc32: bytes.number(UInt32.self, at: start + 20))
  }

  /// The bytes of an index file.
  static func encoded(_ places: [RecordPlace]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(headerSize + places.count * recordSize)
    func append<Number: FixedWidthInteger>(_ number: Number) {
      withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }
    bytes.append(contentsOf: magic)
    append(version)
    append(UInt32(recordSize))
    append(UInt64(places.count))
    for place in places {
      append(place.shard)
      append(place.offset)
      append(place.length)
      append(place.label)
      append(place.crc32)
    }
    return bytes
  }
}

extension [UInt8] {
  /// The little-endian number at an offset.
  func number<Number: FixedWidthInteger>(_ type: Number.Type, at place: Int) -> Number {
    withUnsafeBytes {
      Number(littleEndian: $0.loadUnaligned(fromByteOffset: place, as: Number.self))
    }
  }
}
