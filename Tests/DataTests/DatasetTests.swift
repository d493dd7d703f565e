import Data
import Foundation
import System
import TestSupport
import Testing

@Suite("Opening a dataset")
struct DatasetTests {
  private func prepared() throws -> TemporaryFolder {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 10, "b": 10])
    try place.prepare()
    return place
  }

  @Test("a folder that is not a dataset is reported")
  func none() throws {
    let place = try prepared()
    expectFailure(.inputMissing, "There is no dataset", "alexnet prepare") {
      _ = try place.dataset("no")
    }
    expectFailure(.inputMissing, "not a prepared dataset") { _ = try place.dataset("source") }
    expectFailure(.inputMissing, "not a prepared dataset") {
      _ = try place.dataset("source/a/0.png")
    }
  }

  @Test("a different format version is refused, naming both")
  func version() throws {
    let place = try prepared()
    let text = String(decoding: try place.read("dataset/dataset.json"), as: UTF8.self)
    let other = text.replacingOccurrences(
      of: "\"formatVersion\" : 1", with: "\"formatVersion\" : 7")
    #expect(other != text)
    try place.write(Array(other.utf8), "dataset/dataset.json")
    expectFailure(.badData, "version 7", "up to 2", "alexnet prepare") { _ = try place.dataset() }
  }

  @Test("an index of a newer version is refused even if its checksum is right")
  func indexVersion() throws {
    let place = try prepared()
    var index = try place.read("dataset/train.index")
    let digest = SHA256.digest(of: index)
    #expect(index[8...11].elementsEqual([1, 0, 0, 0]))
    index[8] = 2
    try place.write(index, "dataset/train.index")
    let text = String(decoding: try place.read("dataset/dataset.json"), as: UTF8.self)
    let other = text.replacingOccurrences(of: digest, with: SHA256.digest(of: index))
    #expect(other != text)
    try place.write(Array(other.utf8), "dataset/dataset.json")
    expectFailure(.badData, "train.index", "version 2", "up to 1") { _ = try place.dataset() }
  }

  @Test("a damaged dataset.json is reported")
  func description() throws {
    let place = try prepared()
    let text = String(decoding: try place.read("dataset/dataset.json"), as: UTF8.self)
    func attempt(_ from: String, _ to: String, _ words: String) throws {
      #expect(text.contains(from))
      try place.write(
        Array(text.replacingOccurrences(of: from, with: to).utf8), "dataset/dataset.json")
      expectFailure(.badData, "dataset.json", words) { _ = try place.dataset() }
    }
    try attempt("{", "", "is not JSON: line 2, column 13")
    try attempt("alexnet dataset", "something", "does not describe")
    try attempt("\"side\" : 8", "\"side\" : \"8\"", "pictures.side")
    try attempt("\"side\" : 8", "\"side\" : 8000000", "is out of range, or a file name")
    try attempt("\"statistics\"", "\"other\"", "'statistics' is missing")
    try attempt("train.index", "../train.index", "is out of range, or a file name")
    try attempt("\"records\" : 18", "\"records\" : 17", "do not add up to 18")
    try attempt("\"train\" : 9", "\"train\" : -9", "classes' counts of train do not add up to 18")
    try attempt("\"bytes\" : ", "\"bytes\" : 9000000000000", "is out of range, or a file name")
  }

  @Test(
    "damaged files are named",
    arguments: ["train.index", "validation.index", "statistics.safetensors"])
  func damage(name: String) throws {
    let place = try prepared()
    var bytes = try place.read("dataset/\(name)")
    bytes[bytes.count - 3] ^= 1
    try place.write(bytes, "dataset/\(name)")
    expectFailure(.badData, name, "checksum") { _ = try place.dataset() }
    try place.write(Array(bytes.dropLast()), "dataset/\(name)")
    expectFailure(.badData, name) { _ = try place.dataset() }
    try FileManager.default.removeItem(atPath: place.file("dataset/\(name)"))
    expectFailure(.inputMissing, name) { _ = try place.dataset() }
  }

  @Test("truncated or missing shards are detected on opening")
  func shards() throws {
    let place = try prepared()
    let bytes = try place.read("dataset/train-000000.tar")
    try place.write(Array(bytes.dropLast(512)), "dataset/train-000000.tar")
    expectFailure(.badData, "train-000000.tar", "instead of \(bytes.count)") {
      _ = try place.dataset()
    }
    try FileManager.default.removeItem(atPath: place.file("dataset/train-000000.tar"))
    expectFailure(.inputMissing, "train-000000.tar") { _ = try place.dataset() }
  }

  @Test("a changed byte is detected on reading, naming shard and record")
  func record() throws {
    let place = try prepared()
    var bytes = try place.read("dataset/train-000000.tar")
    // The fourth record begins after three whole ones: skip headers until its own.
    let index = try place.read("dataset/train.index")
    let start = 24 + 24 * 3 + 4
    let offset = (0..<8).reduce(0) { $0 | Int(index[start + $1]) << (8 * $1) }
    bytes[offset + 40] ^= 0x10
    try place.write(bytes, "dataset/train-000000.tar")
    let dataset = try place.dataset()
    _ = try dataset.pixels(.train, 2)
    expectFailure(.badData, "Record 3", "train-000000.tar", "byte \(offset)", "checksum") {
      _ = try dataset.pixels(.train, 3)
    }
  }

  @Test("many threads can decode at once")
  func threads() throws {
    let place = try prepared()
    let dataset = try place.dataset()
    let expected = try (0..<18).map { try dataset.pixels(.train, $0) }
    DispatchQueue.concurrentPerform(iterations: 200) { turn in
      let found = try? dataset.pixels(.train, turn % 18)
      #expect(found == expected[turn % 18])
    }
  }
}
