import Data
import Foundation
import Images
import System
import Tensors
import TestSupport
import Testing

@Suite("Raw records, damaged records and contact sheets")
struct StorageTests {
  private func loader(
    _ dataset: Dataset, threads: Int = 2, damaged: BatchLoader.DamagedRecords = .stop
  ) throws -> BatchLoader {
    try BatchLoader(
      dataset: dataset, split: .train, order: .shuffled, augmentation: .paper, inputSide: 6,
      batchSize: 20, seed: 5, threads: threads, damagedRecords: damaged)
  }

  @Test("raw and PNG records give the same batches")
  func raw() throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 20, "b": 20])
    try place.prepare("raw") { $0.encoding = .raw }
    try place.prepare("png") { $0.encoding = .png }
    let shard = try Program.run(["/usr/bin/tar", "tf", place.file("raw/train-000000.tar")]).output
    #expect(shard.contains(".rgb\n"))
    let (raw, png) = (try place.dataset("raw"), try place.dataset("png"))
    #expect(raw.mean == png.mean && raw.covariance == png.covariance)
    let (one, other) = (try loader(raw), try loader(png))
    for _ in 0..<5 {
      let (a, b) = (try one.next(), try other.next())
      #expect(Array(a.input.elements) == Array(b.input.elements) && a.labels == b.labels)
    }
    // Another picture of the right length, where a JPEG's mark happens to stand first.
    #expect(raw.description.contains("RAW"))
  }

  @Test("damaged records are skipped alike with any number of threads")
  func skip() throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 20, "b": 20])
    try place.prepare { $0.encoding = .raw }
    try place.damage([7, 8, 35])
    let dataset = try place.dataset()
    let loaders = try [1, 3].map { try loader(dataset, threads: $0, damaged: .skip) }
    var skipped = [0, 0]
    // Nine batches of 20 are five epochs of 36.
    for _ in 0..<9 {
      let batches = try loaders.map { try $0.next() }
      #expect(Array(batches[0].input.elements) == Array(batches[1].input.elements))
      #expect(batches[0].labels == batches[1].labels && batches[0].count == 20)
      #expect(batches[0].records.allSatisfy { ![7, 8, 35].contains($0) })
      for (number, batch) in batches.enumerated() {
        skipped[number] += batch.skipped.count
        guard let message = batch.skipped.first?.message else { continue }
        #expect(message.contains("train-000000.tar") && message.contains("checksum"))
      }
    }
    // Record 7 finds 8 damaged too: four in an epoch.
    #expect(skipped == [20, 20])
    expectFailure(.badData, "train-000000.tar") {
      let strict = try loader(dataset)
      for _ in 0..<2 { _ = try strict.next() }
    }
  }

  @Test("a sequential pass leaves damaged records out and counts them")
  func leaveOut() throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 20, "b": 20])
    try place.prepare { $0.encoding = .raw }
    let sound = try place.dataset()
    let bad = [0, 19, 20, 35]
    let expected = try (0..<36).filter { !bad.contains($0) }.map { try sound.pixels(.train, $0) }
    try place.damage(bad)
    let loader = try BatchLoader(
      dataset: try place.dataset(), split: .train, order: .inOrder, augmentation: .none,
      inputSide: 8, batchSize: 10, seed: 5, threads: 3, damagedRecords: .skip)
    let mean = sound.mean
    var (seen, skipped): ([[UInt8]], Int) = ([], 0)
    while case let batch = try loader.next(), batch.globalCount > 0 {
      skipped += batch.skipped.count
      for image in 0..<batch.count {
        seen.append(
          (0..<192).map { UInt8((batch.input.elements[image * 192 + $0] + mean[$0]).rounded()) })
        #expect(Int(batch.labels[image]) == sound.label(.train, batch.records[image]))
      }
    }
    #expect(seen == expected && skipped == 4)
  }

  @Test("a contact sheet shows the crops of the first batch")
  func sheet() throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 20, "b & <c>": 20], side: 112)
    try place.prepare {
      $0.side = 112
      $0.encoding = .png
    }
    let dataset = try place.dataset()
    var sheet = ContactSheet(dataset)
    #expect(sheet.inputSide == 98)
    sheet.augmentation = Augmentation(crop: .random, mirror: true)
    sheet.count = 3
    try sheet.write(to: place.file("sheet.png"))
    let loader = try BatchLoader(
      dataset: dataset, split: .train, order: .shuffled, augmentation: sheet.augmentation,
      inputSide: 98, batchSize: 3, seed: 1, threads: 1)
    let input = Array(try loader.next().input.elements)
    // Width and height by the header of a PNG: three crops in a row, a label below.
    let bytes = try place.read("sheet.png")
    #expect(bytes[16..<24].elementsEqual([0, 0, 1, 54, 0, 0, 0, 124]))
    // Unpacked by libvips, as lines of numbers.
    let raw = place.file("sheet.ppm")
    try #require(Program.run(["/usr/bin/vips", "copy", place.file("sheet.png"), raw]).code == 0)
    let pixels = Array(try place.read("sheet.ppm").suffix(310 * 124 * 3))
    var matches = 0
    for y in 0..<98 {
      for x in 0..<98 {
        // The mean of noise is near 128 everywhere, so the shown value less the input is, too.
        let shown = Float(pixels[((y + 4) * 310 + x + 4) * 3])
        let mean = shown - input[(y * 98 + x) * 3]
        matches += mean > 60 && mean < 200 ? 1 : 0
      }
    }
    #expect(matches > 98 * 98 * 99 / 100)
    sheet.inputSide = 200
    expectFailure(.usage, "200x200") { try sheet.write(to: place.file("x.png")) }
  }

  @Test("a contact sheet of an empty part is refused")
  func emptySheet() throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 4, "b": 4])
    try place.prepare()
    // The magic word and the version, the size of a record, and no record.
    let index =
      Array("ALEXINDX".utf8) + [1, 0, 0, 0, 24, 0, 0, 0] + [UInt8](repeating: 0, count: 8)
    try place.write(index, "dataset/validation.index")
    let path = place.file("dataset/dataset.json")
    let text = try Data(contentsOf: URL(fileURLWithPath: path))
    var manifest = try #require(try JSONSerialization.jsonObject(with: text) as? [String: Any])
    let file: [String: Any] = [
      "file": "validation.index", "bytes": 24, "sha256": SHA256.digest(of: index),
    ]
    manifest["classes"] = (manifest["classes"] as? [[String: Any]])?.map { (old: [String: Any]) in
      old.merging(["validation": 0]) { $1 }
    }
    manifest["validation"] = ["count": 0, "index": file, "shards": [String]()] as [String: Any]
    try JSONSerialization.data(withJSONObject: manifest).write(to: URL(fileURLWithPath: path))
    var sheet = ContactSheet(try place.dataset())
    sheet.split = .validation
    expectFailure(.badData, "dataset' has no validation pictures") {
      try sheet.write(to: place.file("sheet.png"))
    }
    #expect(try !place.names(".").contains("sheet.png"))
  }
}
