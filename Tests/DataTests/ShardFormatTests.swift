import Data
import Foundation
import TestSupport
import Testing

/// The files of a dataset as others read them: tar, sha256sum, and the format's description byte by
/// byte.
@Suite("A dataset's files")
struct ShardFormatTests {
  struct Place: Equatable {
    let shard: Int
    let offset: Int
    let length: Int
    let label: Int
    let crc: UInt32
  }

  /// Reads an index by its description alone.
  private func index(_ bytes: [UInt8]) -> [Place] {
    func number(_ start: Int, _ size: Int) -> Int {
      (0..<size).reduce(0) { $0 | Int(bytes[start + $1]) << (8 * $1) }
    }
    #expect(String(decoding: bytes[..<8], as: UTF8.self) == "ALEXINDX")
    #expect(number(8, 4) == 1)
    #expect(number(12, 4) == 24)
    #expect(bytes.count == 24 + 24 * number(16, 8))
    return (0..<number(16, 8)).map { record in
      let start = 24 + 24 * record
      return Place(
        shard: number(start, 4), offset: number(start + 4, 8), length: number(start + 12, 4),
        label: number(start + 16, 4), crc: UInt32(number(start + 20, 4)))
    }
  }

  /// CRC-32 bit by bit, as the PNG specification defines it.
  private func crc(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    var crc: UInt32 = 0xFFFF_FFFF
    for byte in bytes {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
    }
    return ~crc
  }

  @Test("tar reads the records and labels that the index gives", arguments: [8, 70])
  func tarAgrees(side: Int) throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["b": 7, "a": 9, "c": 5], side: side)
    try place.prepare { $0.side = side }
    let suffix = side <= 64 ? "png" : "jpg"
    for (split, count) in [(Split.train, 18), (.validation, 3)] {
      let places = index(try place.read("dataset/\(split.rawValue).index"))
      let shard = "dataset/\(split.rawValue)-000000.tar"
      let bytes = try place.read(shard)
      let listing = try Program.run(["/usr/bin/tar", "tf", place.file(shard)])
      #expect(listing.code == 0 && listing.error.isEmpty)
      let members = listing.output.split(separator: "\n").map(
        String.init)
      #expect(places.count == count && members.count == 2 * count)
      #expect(Set(members).count == members.count)
      for (record, found) in places.enumerated() {
        let (picture, label) = (members[2 * record], members[2 * record + 1])
        let parts = picture.split(separator: ".")
        #expect(parts.count == 2 && parts[1] == suffix && label == "\(parts[0]).cls")
        let extracted = try Program.run(["/usr/bin/tar", "xOf", place.file(shard), picture]).bytes
        #expect(Array(bytes[found.offset..<found.offset + found.length]) == extracted)
        #expect(found.shard == 0 && found.crc == crc(extracted[...]))
        let text = try Program.run(["/usr/bin/tar", "xOf", place.file(shard), label]).output
        #expect(text == String(found.label))
      }
    }
  }

  @Test("checksums equal those of sha256sum")
  func checksums() throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 5, "b": 5])
    try place.prepare()
    let text = String(decoding: try place.read("dataset/dataset.json"), as: UTF8.self)
    for name in try place.names("dataset") where name != "dataset.json" && name != "rejected.jsonl"
    {
      let output = try Program.run(["/usr/bin/sha256sum", place.file("dataset/\(name)")]).output
      #expect(text.contains(output.prefix(64)), "\(name)")
    }
    let output = try Program.run(["/usr/bin/sha256sum", place.file("dataset/dataset.json")]).output
    #expect(try place.dataset().checksum == String(output.prefix(64)))
  }

  @Test("every byte is the same for any number of threads")
  func threads() throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 400, "b": 300, "c": 3])
    try place.write(Array("no picture".utf8), "source/a/broken.png")
    for threads in [1, 2, 5] { try place.prepare("dataset\(threads)") { $0.threads = threads } }
    let names = try place.names("dataset1")
    // 703 pictures make shards of 256.
    #expect(names.contains("train-000002.tar"))
    for name in names {
      for threads in [2, 5] {
        #expect(
          try place.read("dataset\(threads)/\(name)") == place.read("dataset1/\(name)"), "\(name)"
        )
      }
    }
    #expect(try place.names("dataset5") == names)
  }
}
