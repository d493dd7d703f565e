import Data
import Foundation
import System
import TestSupport
import Testing

/// The forms that lists of pictures and labels have.
@Suite("Formats of lists")
struct ListFormatTests {
  private static let names = (0..<20).map { "p\($0).png" }
  private static let words = ["cat", "dog"]

  private func prepare(
    _ lines: [String], file: String = "list", end: String = "\n",
    encoding: String.Encoding = .utf8, pictures: [String] = names,
    _ change: (inout PreparationSettings, TemporaryFolder) -> Void = { _, _ in }
  ) throws -> Dataset {
    let place = TemporaryFolder()
    for (seed, name) in pictures.enumerated() {
      try place.writePicture(TestPicture(side: 8, seed: UInt32(seed)), "source/\(name)")
    }
    let text = (lines.joined(separator: end) + end).replacing("PLACE", with: place.path)
    try place.write(Array(try #require(text.data(using: encoding))), file)
    try place.prepare {
      $0.reading.list = place.file(file)
      change(&$0, place)
    }
    return try place.dataset()
  }

  /// Lines made of each picture's number, name, class and class number.
  private func lines(_ line: (Picture) -> String) -> [String] {
    Self.names.enumerated().map {
      line(Picture(number: $0, name: $1, word: Self.words[$0 % 2], label: $0 % 2))
    }
  }

  private struct Picture {
    let number: Int
    let name: String
    let word: String
    let label: Int
  }

  private func check(_ dataset: Dataset, _ classes: [String] = words) {
    #expect(dataset.classNames == classes)
    #expect(dataset.counts(.train) == [9, 9] && dataset.counts(.validation) == [1, 1])
  }

  @Test("paths and labels are separated by blanks, tabs, commas or semicolons")
  func dividers() throws {
    check(try prepare(lines { "\($0.name) \($0.label)" }), ["0", "1"])
    check(try prepare(lines { "\($0.name) \($0.word)" }))
    check(try prepare(lines { "\($0.name)\t\($0.word) " }, end: "\r\n"))
    check(try prepare(lines { "\($0.name),\($0.word)" }))
    check(try prepare(lines { "\($0.word), \($0.name)" }))
    check(try prepare(["Image Name;Class"] + lines { "\($0.name);\($0.word)" }, file: "list.csv"))
    check(try prepare([",filename,label"] + lines { "\($0.number),\"\($0.name)\",\"\($0.word)\"" }))
    check(try prepare(lines { "\"\($0.name)\"\t\"\($0.word)\"" }, file: "list.tsv"))
  }

  @Test("labels may contain the other one of comma and semicolon")
  func otherDividers() throws {
    let words = ["great, white shark", "tench, Tinca tinca"]
    for header in [["image;label"], []] {
      check(try prepare(header + lines { "\($0.name);\(words[$0.label])" }), words)
    }
    check(try prepare(lines { "\($0.name),\(["a;b", "c;d"][$0.label])" }), ["a;b", "c;d"])
    // Names without endings do not tell, but the same number of fields does.
    check(
      try prepare(
        lines { "p\($0.number);\(["a, b", "c, d, e"][$0.label])" }), ["a, b", "c, d, e"])
  }

  @Test("of Kaggle's classes with boxes, only the class is the label")
  func boxes() throws {
    check(
      try prepare(
        ["ImageId,PredictionString"]
          + lines { "p\($0.number),\($0.word) 1 2 \($0.number) 4 \($0.word) 5 6 7 8 " },
        file: "list.csv"))
  }

  @Test("MXNet's .lst, JSON lines and JSON arrays are read")
  func otherForms() throws {
    check(try prepare(lines { "\($0.number)\t\($0.label).000000\t\($0.name)" }), ["0", "1"])
    check(
      try prepare(
        lines { "{\"file_name\": \"\($0.name)\", \"label\": \"\($0.word)\", \"w\": \($0.number)}" })
    )
    check(try prepare(lines { "{\"label\": \($0.label), \"image\": \"\($0.name)\"}" }), ["0", "1"])
    let array = lines { "{\"path\": \"\($0.name)\", \"class\": \"\($0.word)\"}" }.joined(
      separator: ",")
    check(try prepare(["[\(array)]"]))
    expectFailure(.badData, "3 labels per picture") {
      _ = try prepare(lines { "\($0.number)\t\($0.label)\t2\t3\t\($0.name)" })
    }
  }

  @Test(
    "accepts byte-order marks and UTF-16", arguments: [String.Encoding.utf16, .utf16LittleEndian])
  func encodings(encoding: String.Encoding) throws {
    check(try prepare(lines { "\($0.name)\t\($0.word)" }, encoding: encoding))
    check(try prepare(lines { "\($0.number == 0 ? "\u{FEFF}" : "")\($0.name)\t\($0.word)" }))
  }

  @Test("a column gives the part, and unlabelled pictures are left out")
  func parts() throws {
    let parts = ["train", "train", "val", "testing"]
    for header in [["path,label,split"], []] {
      let dataset = try prepare(header + lines { "\($0.name),\($0.word),\(parts[$0.number / 5])" })
      #expect(dataset.counts(.train) == [5, 5] && dataset.counts(.validation) == [3, 2])
      #expect(dataset.counts(.test) == [2, 3])
    }
    let dataset = try prepare(
      ["path,label,split"]
        + lines {
          "\($0.name),\($0.number < 10 ? $0.word : $0.number < 15 ? "-1" : ""),\($0.number < 15 ? "train" : "test")"
        })
    #expect(dataset.counts(.train) == [4, 4] && dataset.count(.test) == 0)
    expectFailure(.badData, "Line 2 is for 'holiday', which is not a split") {
      _ = try prepare(["path,label,split"] + lines { "\($0.name),\($0.word),holiday" })
    }
    expectFailure(.badData, "4 columns", "path,label,split") {
      _ = try prepare(lines { "\($0.name),\($0.word),\($0.number),\($0.label)" })
    }
  }

  @Test("names with special characters or without endings are found")
  func names() throws {
    let odd = ["my cat 1.png", "a, b.png", "100%.png", "q\"uote.png", "sub dir/x y.png"]
    let pictures = odd + (0..<5).map { "d\($0).png" }
    let quoted = [
      "my cat 1.png", "\"a, b.png\"", "100%25.png", "\"q\"\"uote.png\"", "sub dir\\x y.png",
    ]
    let csv = try prepare(
      ["file,label"] + quoted.map { "\($0),cat" } + (0..<5).map { "d\($0),dog" }, file: "l.csv",
      pictures: pictures)
    #expect(csv.counts(.train) == [4, 4] && csv.counts(.validation) == [1, 1])
    let endings = ["PNG", "gif", "TIFF", "ppm"]
    check(
      try prepare(
        lines { "p\($0.number) \($0.word)" },
        pictures: (0..<20).map { "p\($0).\(endings[$0 % 4])" }))
    let caffe = try prepare(
      odd.map { "\($0) 0" } + (0..<5).map { "d\($0).png 1" }, pictures: pictures)
    #expect(caffe.classNames == ["0", "1"] && caffe.counts(.train) == [4, 4])
  }

  @Test(
    "absolute paths below the source or --root, and relative ones, are accepted")
  func roots() throws {
    check(try prepare(lines { "PLACE/source/\($0.name) \($0.word)" }))
    // As programs have them that join a root and a path.
    check(try prepare(lines { "/\($0.name) \($0.word)" }))
    let inner = Self.names.map { "deep/\($0)" }
    check(
      try prepare(lines { "\($0.name) \($0.word)" }, pictures: inner) { settings, place in
        settings.reading.root = place.file("source/deep")
      })
    check(
      try prepare(lines { "\($0.name) \($0.word)" }, file: "source/deep/list.txt", pictures: inner))
    expectFailure(.badData, "20 of 20 lines", "outside the source", "--root") {
      _ = try prepare(lines { "/etc/\($0.name) \($0.word)" })
    }
    expectFailure(.inputMissing, "give --root an existing folder") {
      _ = try prepare(lines { "\($0.name) \($0.word)" }) { settings, _ in
        settings.reading.root = "/no/where"
      }
    }
  }
}
