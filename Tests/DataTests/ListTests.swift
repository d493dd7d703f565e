import Data
import Foundation
import System
import TestSupport
import Testing

@Suite("List files")
struct ListTests {
  private func prepare(
    _ place: TemporaryFolder, _ list: String, source: String = "source", root: String? = nil
  ) throws -> Dataset {
    try place.write(Array(list.utf8), "list")
    let name = "dataset-\(UUID().uuidString)"
    try place.prepare(name, from: source) {
      $0.reading.list = place.file("list")
      $0.reading.root = root
    }
    return try place.dataset(name)
  }

  @Test("a list selects and relabels files, in class folders or not")
  func folders() throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 4, "b": 4, "c": 4])
    try place.writePicture(TestPicture(side: 8, seed: 77), "source/loose.png")
    let dataset = try prepare(
      place,
      "a/0.png\tcat\na/1.png\tdog\r\nb/0.png\tcat\nloose.png\tdog\nb/1.png\ta b\nb/2.png\ta b\n")
    #expect(dataset.classNames == ["a b", "cat", "dog"])
    #expect(dataset.counts(.train) == [1, 1, 1] && dataset.counts(.validation) == [1, 1, 1])
    let kept = try prepare(place, "b/0.png\nb/1.png\na/0.png\na/1.png\n")
    #expect(kept.classNames == ["a", "b"])
    // Of folders in class folders, the outer one is the class, which is said.
    try place.writePicture(TestPicture(side: 8, seed: 78), "source/a/indoor/9.png")
    try place.write(Array("b/0.png\nb/1.png\na/indoor/9.png\na/1.png\n".utf8), "deep")
    var notes = ""
    try place.prepare("deep-dataset") {
      $0.reading.list = place.file("deep")
    } report: { event in
      if case .note(let note) = event { notes += note }
    }
    #expect(notes.contains("1 picture lies in folders inside class folders ('a/indoor/9.png')"))
    let numbered = try prepare(place, "b/0.png\t10\nb/1.png\t10\na/0.png\t9\na/1.png\t9\n")
    #expect(numbered.classNames == ["9", "10"])
  }

  @Test("the folders train and val give the parts")
  func splits() throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 2, "b": 2], in: "source/train")
    try place.writeClassFolders(["x": 2], in: "source/val")
    let dataset = try prepare(
      place, "train/a/0.png\ntrain/b/1.png\nval/x/0.png\ta\nval/x/1.png\tb\n")
    #expect(dataset.classNames == ["a", "b"])
    #expect(dataset.counts(.train) == [1, 1] && dataset.counts(.validation) == [1, 1])
  }

  /// As fast.ai's tables have it.
  @Test("a column says of each picture whether it is for validation")
  func flags() throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 3, "b": 3])
    func lines(_ truth: String, _ other: String) -> String {
      ["a", "b"].flatMap { name in
        (0..<3).map { "\(name)/\($0).png,\(name),\($0 == 1 ? truth : other)\n" }
      }.joined()
    }
    for (truth, other) in [("True", "False"), ("1", "0")] {
      let dataset = try prepare(place, "path,label,is_valid\n" + lines(truth, other))
      #expect(dataset.counts(.train) == [2, 2] && dataset.counts(.validation) == [1, 1])
    }
    expectFailure(.badData, "'perhaps'") {
      _ = try prepare(place, "path,label,is_valid\n" + lines("perhaps", "False"))
    }
    let rows = ["a", "b"].flatMap { name in
      (0..<3).map { "{\"file_name\": \"\(name)/\($0).png\", \"is_valid\": \($0 == 0)}\n" }
    }
    let ofJSON = try prepare(place, rows.joined())
    #expect(ofJSON.counts(.train) == [2, 2] && ofJSON.counts(.validation) == [1, 1])
  }

  /// The paths of two pictures of each of the classes `a` and `b` in some folders.
  private func paths(_ folders: [String]) -> String {
    folders.flatMap { folder in
      ["a", "b"].flatMap { name in (0..<2).map { "\(folder)/\(name)/\($0).png\n" } }
    }.joined()
  }

  @Test(
    "a folder called images is neither a part nor a class",
    arguments: [["images/train", "images/val"], ["train/images", "val/images"]])
  func images(parts: [String]) throws {
    let place = TemporaryFolder()
    for part in parts { try place.writeClassFolders(["a": 2, "b": 2], in: "source/\(part)") }
    let dataset = try prepare(place, paths(parts))
    #expect(dataset.classNames == ["a", "b"] && dataset.counts(.train) == [2, 2])
    #expect(dataset.counts(.validation) == [2, 2])
    try place.writeClassFolders(["a": 2, "b": 2], in: "other/images")
    let whole = try prepare(place, paths(["images"]), source: "other")
    #expect(whole.classNames == ["a", "b"] && whole.counts(.train) == [1, 1])
  }

  @Test("where no path is found, the folder that they start from is named")
  func roots() throws {
    let place = TemporaryFolder()
    for part in ["train", "val"] {
      try place.writeClassFolders(["a": 2, "b": 2], in: "source/\(part)")
    }
    try place.writePicture(TestPicture(side: 8, seed: 9), "source/val/c/0.png")
    expectFailure(
      .badData, "'c/0', which does not exist", "--root '\(place.file("source/val"))'"
    ) { _ = try prepare(place, "c/0\tx\nb/1\ty\n") }
    // Training and test pictures of a competition may have the same names.
    let said = expectFailure(
      .badData, "'\(place.file("source/train"))', '\(place.file("source/val"))'",
      "the one whose pictures"
    ) { _ = try prepare(place, "a/0\tx\nb/1\ty\n") }
    #expect(!said.contains("give --root '"))
    expectFailure(.badData, "Give --root the folder that the paths start from") {
      _ = try prepare(place, "c/0.png\tx\nd/0.png\ty\n")
    }
    // The list's own folder, above the source; the parts are those in the source.
    let list = paths(["source/train", "source/val"])
    expectFailure(.badData, "--root '\(place.path)'") { _ = try prepare(place, list) }
    let dataset = try prepare(place, list, root: place.path)
    #expect(dataset.classNames == ["a", "b"] && dataset.counts(.train) == [2, 2])
    #expect(dataset.counts(.validation) == [2, 2])
    // A source that is a part stays one.
    let part = try prepare(
      place, paths(["val"]), source: "source/val", root: place.file("source"))
    #expect(part.counts(.train) == [0, 0] && part.counts(.validation) == [2, 2])
  }

  @Test("lists name members of archives and arrays as rejected.jsonl does")
  func members() throws {
    let place = TemporaryFolder()
    for number in 0..<6 {
      try place.writePicture(TestPicture(side: 8, seed: UInt32(number)), "shard/\(number).png")
      try place.write(Array("\(number % 3)".utf8), "shard/\(number).cls")
    }
    try place.makeFolder("source")
    try place.tar("source/x.tar", of: "shard", "--sort=name")
    let dataset = try prepare(
      place, "x.tar/0.png\nx.tar/3.png\tzero\nx.tar/1.png\tzero\nx.tar/4.png\n")
    #expect(dataset.classNames == ["0", "1", "zero"])
    #expect(dataset.counts(.train) == [1, 1, 1])
  }

  @Test("lists cannot lead out of the folder, and links below it are followed")
  func escapes() throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 4, "b": 4])
    try place.writePicture(TestPicture(side: 8, seed: 7), "secret/private.png")
    let rest = "\tx\na/0.png\nb/0.png\n"
    for name in [
      "../secret/private.png", "a/../../secret/private.png", "a/..",
      place.file("secret/private.png"),
    ] {
      expectFailure(.badData, "Line 1", "'\(name)'", "outside the source") {
        _ = try prepare(place, name + rest)
      }
    }
    expectFailure(.badData, "Line 2", "second time") {
      _ = try prepare(place, "a/0.png\n./a//0.png\nb/0.png\n")
    }
    try FileManager.default.createSymbolicLink(
      atPath: place.file("source/link"), withDestinationPath: "../secret")
    let dataset = try prepare(
      place,
      "link/private.png\tx\n./a/2.png\ta\na/0.png\nb/0.png\nb/1.png\tx\nb/2.png\nb/3.png\ta\n")
    #expect(dataset.classNames == ["a", "b", "x"])
  }

  @Test("unusable lines are reported and missing files are listed")
  func mistakes() throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 4, "b": 4])
    expectFailure(.badData, "list' is empty") { _ = try prepare(place, "\n\n") }
    expectFailure(.badData, "one class only ('a')") { _ = try prepare(place, "a/0.png\n") }
    expectFailure(.badData, "Line 2 has no label for 'a/1.png'") {
      _ = try prepare(place, "a/0.png\tx\na/1.png\t\n")
    }
    expectFailure(.badData, "Line 3", "second time") {
      _ = try prepare(place, "a/0.png\tx\na/1.png\ty\na/0.png\tz\n")
    }
    try place.writePicture(TestPicture(side: 8, seed: 9), "source/0.png")
    expectFailure(.badData, "Line 1 gives no label for '0.png'") {
      _ = try prepare(place, "0.png\n")
    }
    // One line of ten may be wrong.
    try place.writeClassFolders(["c": 10])
    let list = (0..<9).map { "c/\($0).png" } + ["a/none.png", "b/0.png", "b/1.png"]
    try place.write(Array(list.joined(separator: "\n").utf8), "list")
    let summary = try place.prepare { $0.reading.list = place.file("list") }
    #expect(summary.rejected == 1 && summary.train + summary.validation == 11)
    let rejected = String(decoding: try place.read("dataset/rejected.jsonl"), as: UTF8.self)
    #expect(rejected.contains("\"line 10\"") && rejected.contains("a/none.png"))
    expectFailure(.badData, "2 of 4 lines", "Line 1 names 'x.png', which does not exist") {
      _ = try prepare(place, "x.png\ta\ny.png\ta\na/0.png\ta\nb/0.png\tb\n")
    }
    expectFailure(.inputMissing, "nolist'") {
      try place.prepare("x") { $0.reading.list = place.file("nolist") }
    }
  }
}
