import Data
import Foundation
import System
import TestSupport
import Testing

/// What lies beside the files of a source, and what these say of each other.
@Suite("Other files next to shards and archives")
struct ShardNeighbourTests {
  /// A shard of samples `KEY.png` and `KEY.cls`.
  private func shard(_ place: TemporaryFolder, _ name: String, _ labels: [[UInt8]]) throws {
    for (number, label) in labels.enumerated() {
      try place.writePicture(
        TestPicture(side: 8, seed: UInt32(number + 100 * name.count)), "work/\(number).png")
      try place.write(label, "work/\(number).cls")
    }
    if let slash = name.lastIndex(of: "/") { try place.makeFolder(String(name[..<slash])) }
    try place.tar(name, of: "work", "--sort=name")
    try FileManager.default.removeItem(atPath: place.file("work"))
  }

  private func labels(_ count: Int, _ label: (Int) -> String) -> [[UInt8]] {
    (0..<count).map { Array(label($0).utf8) }
  }

  private func notes(_ place: TemporaryFolder) throws -> String {
    var settings = PreparationSettings(source: place.file("source"), destination: place.file("d"))
    settings.side = 8
    var notes: [String] = []
    try Preparation.survey(settings) { if case .note(let note) = $0 { notes.append(note) } }
    return notes.joined(separator: "\n")
  }

  @Test(
    "a class list that does not match the labels is refused",
    arguments: [
      ("cat\ndog\nowl\n", "'3'", "3 classes"), ("cat\n\ndog\nowl\n", "Line 2", "is empty"),
      ("bg\ncat\ncat\nowl\n", "'cat' twice", "own"),
      ("1 bg\n2 cat\n3 dog\n4 owl\n", "from 1", "number them from 0"),
    ])
  func names(list: String, first: String, second: String) throws {
    let place = TemporaryFolder()
    try shard(place, "source/x.tar", labels(12) { "\($0 % 3 + 1)" })
    try place.write(Array(list.utf8), "source/classes.txt")
    expectFailure(.badData, "classes.txt'", first, second) { try place.prepare() }
    for good in ["\u{FEFF}bg\ncat\ndog\nowl\n\n", "0 bg\n1 cat\n2 dog\n3 owl"] {
      try place.write(Array(good.utf8), "source/classes.txt")
      try place.prepare(good.hasPrefix("0") ? "numbered" : "marked")
    }
    #expect(try place.dataset("marked").classNames == ["cat", "dog", "owl"])
    #expect(try place.dataset("numbered").classNames == ["cat", "dog", "owl"])
  }

  @Test("numbers count the lines of a class list, even one of numbers")
  func listOfNumbers() throws {
    let place = TemporaryFolder()
    try shard(place, "source/x.tar", labels(12) { "\($0 % 3)" })
    try place.write(Array("0\n2\n1\n".utf8), "source/classes.txt")
    try place.prepare()
    #expect(try place.dataset().classNames == ["0", "2", "1"])
  }

  @Test("other files next to shards are reported, and .TAR is a shard")
  func leftOut() throws {
    let place = TemporaryFolder()
    try shard(place, "source/a.tar", labels(10) { "\($0 % 2)" })
    try shard(place, "source/b.TAR", labels(10) { "\($0 % 2)" })
    for name in ["c.tar.gz", "d.tar.part", "other/e.tar"] { try place.write([1], "source/\(name)") }
    try FileManager.default.createSymbolicLink(
      atPath: place.file("source/f.tar"), withDestinationPath: "nowhere")
    let said = try notes(place)
    for words in [".gz files (1)", ".part files (1)", ".tar files (2)"] {
      #expect(said.contains("Left out: \(words)"), "\(said)")
    }
    #expect(try place.prepare().train == 18)
  }

  @Test("sample counts apply to the shards in their own folder")
  func counts() throws {
    let place = TemporaryFolder()
    try shard(place, "source/train/00000.tar", labels(20) { "\($0 % 2)" })
    try shard(place, "source/val/00000.tar", labels(4) { "\($0 % 2)" })
    for (part, count) in [("train", 20), ("val", 4)] {
      try place.write(Array("{\"successes\": \(count)}".utf8), "source/\(part)/00000_stats.json")
    }
    #expect(try place.prepare().validation == 4)
    try place.write(Array("{\"successes\": 21}".utf8), "source/train/00000_stats.json")
    expectFailure(.badData, "train/00000.tar' has 20 samples", "says 21") {
      try place.prepare("other")
    }
  }

  @Test("our datasets keep their class names, and Latin-1 names stay distinct")
  func namesKept() throws {
    let place = TemporaryFolder()
    // "caf" with an accented letter of two kinds, as no UTF-8.
    try shard(
      place, "source/x.tar", (0..<12).map { [0x63, 0x61, 0x66, $0 % 2 == 0 ? 0xE9 : 0xE8] })
    try place.prepare("first")
    #expect(try place.dataset("first").classNames == ["caf\u{E8}", "caf\u{E9}"])
    try place.prepare("second", from: "first")
    #expect(try place.dataset("second").classNames == ["caf\u{E8}", "caf\u{E9}"])
  }

  @Test("a tar of class folders, a compressed one and a label below -1 are refused")
  func explained() throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["cat": 2, "dog": 2], in: "work")
    try place.makeFolder("source")
    try place.tar("source/x.tar", of: "work")
    for skips in [false, true] {
      expectFailure(.badData, "x.tar'", "but no labels", "unpack it") {
        try place.prepare { $0.reading.skipsCorrupt = skips }
      }
    }
    try place.tar("source/x.tar", of: "work", "-z")
    expectFailure(.badData, "x.tar'", "is compressed") { try place.prepare() }
    try FileManager.default.removeItem(atPath: place.file("work"))
    try shard(place, "source/x.tar", labels(4) { "\($0 - 2)" })
    expectFailure(.badData, "label '-2'", "is not a class") { try place.prepare() }
    try shard(place, "source/x.tar", (0..<4).map { [$0, 0, 0, 0] })
    expectFailure(.badData, "label '\\u{0}\\u{0}", "is not a class") { try place.prepare() }
  }

  @Test("archives of one class, or of ILSVRC's validation pictures, are refused with a remedy")
  func archivesOfPictures() throws {
    let place = TemporaryFolder()
    try place.writePicture(TestPicture(side: 8, seed: 1), "work/n01440764_1.JPEG")
    try place.makeFolder("source")
    try place.tar("source/n01440764.tar", of: "work")
    expectFailure(
      .badData, "n01440764.tar'", "a folder of its own", "mkdir -p FOLDER/n01440764"
    ) { try place.prepare() }
    try FileManager.default.removeItem(atPath: place.file("source/n01440764.tar"))
    try place.tar("source/ILSVRC2012_img_val.tar", of: "work")
    expectFailure(.badData, "ILSVRC2012_img_val.tar'", "training archive", "development kit") {
      try place.prepare()
    }
    // The training archive alone, given as a file.
    try FileManager.default.moveItem(
      atPath: place.file("source/ILSVRC2012_img_val.tar"), toPath: place.file("work/n01440764.tar"))
    try FileManager.default.removeItem(atPath: place.file("work/n01440764_1.JPEG"))
    try place.tar("train.tar", of: "work")
    expectFailure(.badData, "train.tar' holds no sample", "ILSVRC", "--source the folder") {
      try place.prepare(from: "train.tar")
    }
  }

  @Test("a folder of pictures next to shards is named if it is no dataset")
  func picturesBesideShards() throws {
    let place = TemporaryFolder()
    try shard(place, "source/x.tar", labels(4) { "\($0 % 2)" })
    try place.writePicture(TestPicture(side: 8, seed: 1), "source/docs/sample.png")
    expectFailure(.badData, "one class only ('docs')", "shards ('x.tar')", "move 'docs' out of") {
      try place.prepare()
    }
  }

  @Test("padding from large tar blocks is not reported as certain damage")
  func blocks() throws {
    let place = TemporaryFolder()
    try shard(place, "source/x.tar", labels(20) { "\($0 % 2)" })
    let bytes = try place.read("source/x.tar")
    try place.write(bytes + [UInt8](repeating: 0, count: 32768), "source/x.tar")
    expectFailure(.badData, "zero bytes", "add --skip-corrupt") { try place.prepare() }
    #expect(try place.prepare { $0.reading.skipsCorrupt = true }.train == 18)
  }

  @Test("folders next to array files are reported")
  func besideArrays() throws {
    let place = TemporaryFolder()
    let record = [UInt8](repeating: 7, count: 3073)
    for number in 1...5 {
      try place.write(
        record + [UInt8(number)] + record.dropFirst(), "source/data_batch_\(number).bin")
    }
    try place.writeClassFolders(["cat": 2, "dog": 2])
    #expect(
      try notes(place).contains(
        "Folders next to the CIFAR-10 binary files were not read: 'cat', 'dog'"))
  }

  @Test("CIFAR-10 and CIFAR-100 are refused together, and the one that is not read is named")
  func bothCIFARs() throws {
    let place = TemporaryFolder()
    let record = [UInt8](repeating: 7, count: 3073)
    func writeTen(_ folder: String) throws {
      for number in 1...5 {
        try place.write(
          record + [UInt8(number)] + record.dropFirst(), "\(folder)/data_batch_\(number).bin")
      }
    }
    try writeTen("source/cifar-10-batches-bin")
    try place.write(record + [7], "source/cifar-100-binary/train.bin")
    let names = (0..<100).map { "fine\($0)" }.joined(separator: "\n")
    try place.write(Array(names.utf8), "source/cifar-100-binary/fine_label_names.txt")
    expectFailure(.usage, "CIFAR-10 and CIFAR-100", "cifar-100-binary'", "--source") {
      _ = try notes(place)
    }
    try writeTen("source")
    #expect(
      try notes(place).contains("were not read: 'cifar-10-batches-bin', 'cifar-100-binary'"))
  }
}
