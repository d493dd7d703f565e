import Data
import Foundation
import System
import TestSupport
import Testing

/// Shards that are not whole, and shards that others fill in their own ways.
@Suite("Damaged and unusual shards")
struct ShardDamageTests {
  /// `source/train-00000N.tar` with the samples of a range, each `KEY.png` and `KEY.cls`.
  private func shard(_ place: TemporaryFolder, _ number: Int, _ range: Range<Int>) throws {
    for sample in range {
      let key = String(format: "%06d", sample)
      try place.writePicture(TestPicture(side: 8, seed: UInt32(sample)), "work/\(key).png")
      try place.write(Array("\(sample % 2)".utf8), "work/\(key).cls")
    }
    try place.makeFolder("source")
    try place.tar("source/train-00000\(number).tar", of: "work", "--sort=name", "--format=ustar")
    try FileManager.default.removeItem(atPath: place.file("work"))
  }

  /// The place where a sample's first member begins: names stand at the beginning of headers.
  private func border(_ bytes: [UInt8], _ sample: Int) throws -> Int {
    let name = Array(String(format: "%06d.cls", sample).utf8)
    return try #require(
      stride(from: 0, to: bytes.count, by: 512).first { bytes[$0...].starts(with: name) })
  }

  @Test("empty, truncated and partly zeroed archives are refused")
  func damage() throws {
    let place = TemporaryFolder()
    try shard(place, 0, 0..<20)
    try shard(place, 1, 20..<40)
    let whole = try place.read("source/train-000001.tar")
    let middle = try border(whole, 30)
    let next = try border(whole, 31)
    let zeros = [UInt8](repeating: 0, count: whole.count)
    for (bytes, words) in [
      ([], "is empty"),
      (Array(whole[..<middle]), "no end mark"),
      (
        Array(whole[..<middle]) + zeros[middle..<next] + whole[next...],
        "continues after its end mark"
      ),
      (Array(whole[..<middle]) + zeros[middle...], "zero bytes"),
      (zeros, "zero bytes"),
    ] as [([UInt8], String)] {
      try place.write(bytes, "source/train-000001.tar")
      expectFailure(.badData, "train-000001.tar'", words) { try place.prepare() }
    }
    try place.write(Array(whole[..<middle]), "source/train-000001.tar")
    let summary = try place.prepare { $0.reading.skipsCorrupt = true }
    #expect(summary.train + summary.validation == 30)
    // Two blocks of zeros are an end, without the rest of the 10 KiB.
    let end = try #require(whole.lastIndex { $0 != 0 }) / 512 * 512 + 512
    try place.write(Array(whole[..<(end + 1024)]), "source/train-000001.tar")
    #expect(try place.prepare("short").train == 36)
  }

  @Test("incomplete samples are errors, or left out with --skip-corrupt")
  func pairs() throws {
    let place = TemporaryFolder()
    let whole = ["png", "cls"]
    for (key, suffixes) in [("a", whole), ("aa", whole), ("b", whole), ("c", ["png"])] {
      for suffix in suffixes {
        if suffix == "png" {
          try place.writePicture(TestPicture(side: 8, seed: 1), "work/\(key).png")
        } else {
          try place.write(Array((key == "b" ? "1" : "0").utf8), "work/\(key).cls")
        }
      }
    }
    try place.makeFolder("source")
    try place.tar("source/x.tar", of: "work", "--sort=name")
    expectFailure(.badData, "The sample 'c'", "has no label", "--skip-corrupt") {
      try place.prepare()
    }
    var settings = PreparationSettings(
      source: place.file("source"), destination: place.file("dataset"))
    settings.reading.skipsCorrupt = true
    var notes: [String] = []
    try Preparation.survey(settings) { if case .note(let note) = $0 { notes.append(note) } }
    #expect(notes.contains("1 sample without a label ('x.tar/c') was left out."))
  }

  @Test("sample counts are compared with the indexes next to the shards")
  func counts() throws {
    let place = TemporaryFolder()
    try shard(place, 0, 0..<20)
    for index in [
      "{\"shardlist\": [{\"url\": \"https://x.org/train-000000.tar\", \"nsamples\": 21}]}",
      "{\"train-000000.tar\": 21}",
    ] {
      try place.write(Array(index.utf8), "source/index.json")
      expectFailure(.badData, "has 20 samples", "says 21") { try place.prepare() }
    }
    try FileManager.default.removeItem(atPath: place.file("source/index.json"))
    try place.write(Array("{\"successes\": 20}".utf8), "source/train-000000_stats.json")
    #expect(try place.prepare().train == 18)
  }

  @Test("members may be in any order, and .cls takes precedence over .json")
  func unusual() throws {
    let place = TemporaryFolder()
    for sample in 0..<20 {
      let key = "dir.v1/s\(sample)"
      let good = TestPicture(side: 8, seed: UInt32(sample))
      try place.writePicture(good, "work/1/\(key).jpeg")
      try place.writePicture(TestPicture(side: 8, seed: 999), "work/1/\(key).mask.png")
      try place.write(Array("\(["owl", "Ant"][sample % 2])\n".utf8), "work/3/\(key).cls")
      try place.write(Array("{\"label\": 7}".utf8), "work/2/\(key).json")
    }
    try place.makeFolder("source")
    let parts = (1...3).flatMap { ["-C", place.file("work/\($0)"), "dir.v1"] }
    let result = try Program.run(["/usr/bin/tar", "-cf", place.file("source/x.tar")] + parts)
    #expect(result.code == 0, "\(result.error)")
    try place.prepare()
    let dataset = try place.dataset()
    #expect(dataset.classNames == ["Ant", "owl"] && dataset.counts(.train) == [9, 9])
    let mask = TestPicture(side: 8, seed: 999).pixels
    for record in 0..<dataset.count(.train) { #expect(try dataset.pixels(.train, record) != mask) }
  }

  @Test("test shards are kept apart, and the label -1 means unlabelled")
  func testShards() throws {
    let place = TemporaryFolder()
    try shard(place, 0, 0..<20)
    for (key, label) in [("a", "0"), ("b", "1"), ("c", "-1"), ("d", nil)] as [(String, String?)] {
      try place.writePicture(TestPicture(side: 8, seed: 70), "work/\(key).png")
      if let label { try place.write(Array(label.utf8), "work/\(key).cls") }
    }
    try place.tar("source/test-000000.tar", of: "work", "--sort=name")
    try place.prepare()
    let dataset = try place.dataset()
    #expect(dataset.classNames == ["0", "1"] && dataset.counts(.test) == [1, 1])
    #expect(dataset.counts(.train) == [9, 9])
  }
}
