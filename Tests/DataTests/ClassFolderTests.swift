import Data
import Foundation
import System
import TestSupport
import Testing

@Suite("Class folders")
struct ClassFolderTests {
  @Test("classes are sorted by their names' bytes, and train and val are recognised")
  func layout() throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["zebra": 3, "Ant": 2, "bee": 4, "Äffin": 1], in: "source/train")
    try place.writeClassFolders(["bee": 2, "zebra": 1], in: "source/val")
    let summary = try place.prepare()
    #expect(
      summary.train == 10 && summary.validation == 3 && summary.classes == 4
        && summary.rejected == 0)
    let dataset = try place.dataset()
    #expect(dataset.classNames == ["Ant", "bee", "zebra", "Äffin"])
    #expect(dataset.counts(.train) == [2, 4, 3, 1])
    #expect(dataset.counts(.validation) == [0, 2, 1, 0])
    for split in Split.allCases {
      let labels = (0..<dataset.count(split)).map { dataset.label(split, $0) }
      for label in 0..<4 {
        #expect(labels.count { $0 == label } == dataset.counts(split)[label])
      }
    }
  }

  @Test("every record has the picture and its label")
  func content() throws {
    let place = TemporaryFolder()
    // The red value says the class, the green the picture.
    for (label, name) in ["a", "b", "c"].enumerated() {
      for number in 0..<20 {
        let pixels = (0..<64).flatMap { _ -> [UInt8] in [UInt8(50 * label), UInt8(number), 7] }
        try place.writePicture(
          TestPicture(width: 8, height: 8, pixels: pixels), "source/\(name)/\(number).png")
      }
    }
    try place.prepare()
    let dataset = try place.dataset()
    var seen: Set<[UInt8]> = []
    for split in Split.allCases {
      for index in 0..<dataset.count(split) {
        let pixels = try dataset.pixels(split, index)
        #expect(pixels[0] == UInt8(50 * dataset.label(split, index)))
        #expect(seen.insert(Array(pixels[0..<2])).inserted)
      }
    }
    #expect(seen.count == 60)
  }

  /// One walk finds them all, and not one for each folder.
  @Test("nested folders without pictures are refused at once", .timeLimit(.minutes(1)))
  func deepFolders() throws {
    let place = TemporaryFolder()
    try place.makeFolder("source/" + (0..<300).map { _ in "d" }.joined(separator: "/"))
    expectFailure(.inputMissing, "d/d' is empty") { try place.prepare() }
  }

  @Test("unusual names and paths work")
  func names() throws {
    let place = TemporaryFolder()
    let names = [
      "with space.png", "quote\"'.png", "new\nline.png", "ünïcødé 猫.png", "many.dots.in.it.png",
      "deep/er/still.PNG", "same.png", "really a PNG.JPEG", "-dash.png",
      String(repeating: "x", count: 200) + ".png",
    ]
    for (number, name) in names.enumerated() {
      try place.writePicture(TestPicture(side: 8, seed: UInt32(number)), "source/class one/\(name)")
    }
    try place.writePicture(TestPicture(side: 8, seed: 100), "source/two/same.png")
    try place.writePicture(TestPicture(side: 8, seed: 101), "elsewhere/linked.png")
    try FileManager.default.createSymbolicLink(
      atPath: place.file("source/two/link.png"),
      withDestinationPath: place.file("elsewhere/linked.png"))
    // A link to the folder above must not be followed for ever.
    try FileManager.default.createSymbolicLink(
      atPath: place.file("source/two/loop"), withDestinationPath: place.file("source/two"))
    // A name that is not UTF-8.
    let folder = Array(place.file("source/two/").utf8).map { CChar(bitPattern: $0) }
    let odd =
      folder + [CChar(bitPattern: 0xFF), CChar(bitPattern: 0xFE)] + Array(".png".utf8CString)
    let bytes = try place.read("source/two/same.png")
    let file = try #require(fopen(odd, "wb"))
    #expect(fwrite(bytes, 1, bytes.count, file) == bytes.count)
    fclose(file)
    try place.write(Array("text".utf8), "source/two/notes.txt")
    try place.writePicture(TestPicture(side: 8, seed: 5), "source/two/.hidden.png")

    let summary = try place.prepare()
    #expect(summary.train + summary.validation == names.count + 3)
    #expect(summary.rejected == 0)
    let shard = place.file("dataset/train-000000.tar")
    #expect(try Program.run(["/usr/bin/tar", "tf", shard]).code == 0)
  }

  @Test("unusable pictures are listed with reasons, and the rest is prepared")
  func rejected() throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 20, "b": 20])
    let good = try place.read("source/a/0.png")
    try place.write([], "source/a/empty.jpg")
    try place.write(Array("some text".utf8), "source/a/text.jpg")
    try place.write(Array(good[..<(good.count * 2 / 3)]), "source/b/cut \"off\".png")
    try FileManager.default.createSymbolicLink(
      atPath: place.file("source/b/link.png"), withDestinationPath: "nowhere.png")
    mkfifo(place.file("source/b/pipe.png"), 0o600)
    try place.makeFolder("source/a/folder.png")

    let summary = try place.prepare()
    #expect(summary.rejected == 5 && summary.train + summary.validation == 40)
    let lines = String(decoding: try place.read("dataset/rejected.jsonl"), as: UTF8.self).split(
      separator: "\n")
    var reasons: [String: String] = [:]
    for line in lines {
      let fields = try #require(
        try JSONSerialization.jsonObject(with: Foundation.Data(line.utf8)) as? [String: String])
      reasons[fields["path"] ?? ""] = fields["reason"]
    }
    #expect(
      reasons == [
        "a/empty.jpg": "is an empty file",
        "a/text.jpg": "does not begin like any known picture format",
        "b/cut \"off\".png": "is a truncated or corrupt PNG",
        "b/link.png": "cannot be opened: No such file or directory",
        "b/pipe.png": "is not a regular file",
      ])
    expectFailure(.badData, "source'", "--strict") {
      try place.prepare("strict") { $0.isStrict = true }
    }
    #expect(try place.names(".") == ["dataset", "source"])
  }

  @Test("wrong folders are refused and nothing is left behind")
  func wrongFolders() throws {
    let place = TemporaryFolder()
    expectFailure(.inputMissing, "nowhere'") { try place.prepare(from: "nowhere") }
    try place.makeFolder("empty")
    expectFailure(.inputMissing, "empty' is empty") { try place.prepare(from: "empty") }
    try place.write([1], "file")
    expectFailure(.inputMissing, "file' is not a folder") { try place.prepare(from: "file") }
    try place.writePicture(TestPicture(side: 8, seed: 1), "loose/1.png")
    expectFailure(.inputMissing, "only 1 picture") { try place.prepare(from: "loose") }
    try place.writeClassFolders(["only": 3], in: "single")
    expectFailure(.badData, "one class only ('only')") { try place.prepare(from: "single") }
    try place.writeClassFolders(["a": 3, "b": 3], in: "more/train")
    try place.writeClassFolders(["a": 3, "new": 3], in: "more/val")
    expectFailure(.badData, "'new'", "none for training") { try place.prepare(from: "more") }
    try place.writeClassFolders(["a": 3, "b": 3], in: "flat/train")
    try place.writePicture(TestPicture(side: 8, seed: 1), "flat/val/1.png")
    expectFailure(.badData, "flat/val' holds no class folder") { try place.prepare(from: "flat") }
    try place.writeClassFolders(["a": 3, "b": 3], in: "bad")
    for number in 0..<3 { try place.write([1, 2, 3], "bad/b/\(number).png") }
    expectFailure(.badData, "class 'b'", "can be used") { try place.prepare(from: "bad") }
    let names = try place.names(".")
    #expect(!names.contains { $0.hasPrefix("dataset") || $0.hasPrefix(".") })
  }

  @Test("an existing target is not changed")
  func existing() throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 3, "b": 3])
    try place.write([42], "dataset/precious")
    expectFailure(.cannotCreate, "dataset' exists already") { try place.prepare() }
    #expect(try place.read("dataset/precious") == [42])
    #expect(try place.names("dataset") == ["precious"])
    try place.makeFolder("empty")
    expectFailure(.cannotCreate, "empty' exists already") { try place.prepare("empty") }
    expectFailure(.cannotCreate, "source/a/0.png") { try place.prepare("source/a/0.png/below") }
  }

  @Test("the remains of a killed preparation are not a dataset, and are replaced")
  func remains() throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 3, "b": 3])
    try place.write([1, 2, 3], ".dataset.preparing/train-000000.tar")
    expectFailure(.inputMissing, "There is no dataset") { _ = try place.dataset() }
    var notes: [String] = []
    try place.prepare(report: { event in
      if case .note(let text) = event { notes.append(text) }
    })
    #expect(notes.contains { $0.contains("this one starts over") })
    #expect(try place.dataset().count(.train) == 4)
    #expect(try place.names(".") == ["dataset", "source"])
  }
}
