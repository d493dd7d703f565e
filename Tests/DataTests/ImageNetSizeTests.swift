import Data
import Foundation
import Images
import TestSupport
import Testing

@Suite("A dataset of ImageNet's size")
struct ImageNetSizeTests {
  /// Makes the index of a small dataset say that its records come again and again.
  private func repeatIndex(of place: TemporaryFolder, to count: Int) throws {
    let index = try place.read("dataset/train.index")
    let repeated = index[24...]
    var bytes = Array(index[..<16])
    withUnsafeBytes(of: UInt64(count).littleEndian) { bytes.append(contentsOf: $0) }
    while bytes.count < 24 + 24 * count {
      bytes += repeated.prefix(24 + 24 * count - bytes.count)
    }
    try place.write(bytes, "dataset/train.index")
    let sum = try Program.run(["/usr/bin/sha256sum", place.file("dataset/train.index")]).output
    let text = try place.read("dataset/dataset.json")
    let object = try JSONSerialization.jsonObject(with: Foundation.Data(text)) as? [String: Any]
    var manifest = try #require(object)
    var train = try #require(manifest["train"] as? [String: Any])
    var shards = try #require(train["shards"] as? [[String: Any]])
    let records = shards.dropFirst().reduce(0) { $0 + ($1["records"] as? Int ?? 0) }
    shards[0]["records"] = count - records
    train["shards"] = shards
    train["count"] = count
    // All the records that are added are of the first class.
    var classes = try #require(manifest["classes"] as? [[String: Any]])
    let others = classes.dropFirst().reduce(0) { $0 + ($1["train"] as? Int ?? 0) }
    classes[0]["train"] = count - others
    manifest["classes"] = classes
    train["index"] =
      [
        "file": "train.index", "bytes": bytes.count,
        "sha256": String(sum.prefix(64)),
      ] as [String: Any]
    manifest["train"] = train
    let data = try JSONSerialization.data(withJSONObject: manifest)
    try place.write(Array(data), "dataset/dataset.json")
  }

  /// Loads batches of the dataset in a process of its own, and returns the megabytes that it took
  /// at most.
  private func megabytes(_ place: TemporaryFolder) throws -> Int {
    let result = try Program.alexnet(
      "loading", "--data", place.file("dataset"), "--steps", "3", "--batch-size", "16")
    #expect(result.code == 0, "\(result.error)")
    let words = result.output.split { $0 == " " || $0 == "\n" }
    let place = try #require(words.firstIndex(of: "MB"))
    return try #require(Int(words[place - 1]))
  }

  @Test("1.3 million records are opened and shuffled within 100 MB")
  func memory() throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 500, "b": 500])
    try place.prepare { $0.encoding = .raw }
    let small = try megabytes(place)
    try repeatIndex(of: place, to: 1_300_000)
    let large = try megabytes(place)
    #expect(try place.dataset().count(.train) == 1_300_000)
    // 24 bytes a record for the index, 4 for the order: 36 MB, and half as much again while the
    // file is read.
    #expect(large - small > 25 && large - small < 100, "\(small) MB, \(large) MB")
  }
}
