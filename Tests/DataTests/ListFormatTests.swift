import Data
import Failures
import Foundation
import Testing

/// The forms that lists of pictures and labels have.
@Suite("Forms of lists")
struct ListFormatTests {
  private static let names = (0..<20).map { "p\($0).png" }
  private static let words = ["cat", "dog"]

  private func prepare(
    _ lines: [String], file: String = "list", end: String = "\n",
    encoding: String.Encoding = .utf8, pictures: [String] = names,
    _ change: (inout PreparationSettings, Workplace) -> Void = { _, _ in }
  ) throws -> Dataset {
    let place = Workplace()
    for (seed, name) in pictures.enumerated() {
      try place.writePicture(TestPicture(side: 8, seed: UInt32(seed)), "source/\(name)")
    }
    let text = (lines.joined(separator: end) + end).replacing("PLACE", with: place.path)
    try place.write(Array(try #require(text.data(using: encoding))), file)
    try place.prepare {
      $0.reading.list = place.path(file)
      change(&$0, place)
    }
    return try place.dataset()
  }

  /// Lines made of each picture's number, name, class and class number.
  private func lines(_ line: (Int, String, String, Int) -> String) -> [String] {
    Self.names.enumerated().map { line($0, $1, Self.words[$0 % 2], $0 % 2) }
  }

  private func check(_ dataset: Dataset, _ classes: [String] = words) {
    #expect(dataset.classNames == classes)
    #expect(dataset.counts(.train) == [9, 9] && dataset.counts(.validation) == [1, 1])
  }

  @Test("path and label with a blank, a tab, commas or semicolons between, with a header or not")
  func dividers() throws {
    check(try prepare(lines { "\($1) \($3)" }), ["0", "1"])
    check(try prepare(lines { "\($1) \($2)" }))
    check(try prepare(lines { "\($1)\t\($2) " }, end: "\r\n"))
    check(try prepare(lines { "\($1),\($2)" }))
    check(try prepare(lines { "\($2), \($1)" }))
    check(try prepare(["Image Name;Class"] + lines { "\($1);\($2)" }, file: "list.csv"))
    check(try prepare([",filename,label"] + lines { "\($0),\"\($1)\",\"\($2)\"" }))
    check(try prepare(lines { "\"\($1)\"\t\"\($2)\"" }, file: "list.tsv"))
  }

  @Test("MXNet's .lst, and JSON as lines or as an array")
  func otherForms() throws {
    check(try prepare(lines { "\($0)\t\($3).000000\t\($1)" }), ["0", "1"])
    check(try prepare(lines { "{\"file_name\": \"\($1)\", \"label\": \"\($2)\", \"w\": \($0)}" }))
    check(try prepare(lines { "{\"label\": \($3), \"image\": \"\($1)\"}" }), ["0", "1"])
    let array = lines { "{\"path\": \"\($1)\", \"class\": \"\($2)\"}" }.joined(separator: ",")
    check(try prepare(["[\(array)]"]))
    expectFailure(.badData, "3 labels for a picture") {
      _ = try prepare(lines { "\($0)\t\($3)\t2\t3\t\($1)" })
    }
  }

  @Test(
    "marks at the beginning and UTF-16", arguments: [String.Encoding.utf16, .utf16LittleEndian])
  func encodings(encoding: String.Encoding) throws {
    check(try prepare(lines { "\($1)\t\($2)" }, encoding: encoding))
    check(try prepare(lines { "\($0 == 0 ? "\u{FEFF}" : "")\($1)\t\($2)" }))
  }

  @Test("a column says the part; test pictures without a label, and labels of -1, are left out")
  func parts() throws {
    let parts = ["train", "train", "val", "testing"]
    for header in [["path,label,split"], []] {
      let dataset = try prepare(header + lines { "\($1),\($2),\(parts[$0 / 5])" })
      #expect(dataset.counts(.train) == [5, 5] && dataset.counts(.validation) == [2, 3])
      #expect(dataset.counts(.test) == [3, 2])
    }
    let dataset = try prepare(
      ["path,label,split"]
        + lines { "\($1),\($0 < 10 ? $2 : $0 < 15 ? "-1" : ""),\($0 < 15 ? "train" : "test")" })
    #expect(dataset.counts(.train) == [4, 4] && dataset.count(.test) == 0)
    expectFailure(.badData, "Line 2 is for 'holiday', which is no part") {
      _ = try prepare(["path,label,split"] + lines { "\($1),\($2),holiday" })
    }
    expectFailure(.badData, "4 columns", "path,label,split") {
      _ = try prepare(lines { "\($1),\($2),\($0),\($3)" })
    }
  }

  @Test("names with blanks, commas, quotes, percent signs and backslashes, and without endings")
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
    let caffe = try prepare(
      odd.map { "\($0) 0" } + (0..<5).map { "d\($0).png 1" }, pictures: pictures)
    #expect(caffe.classNames == ["0", "1"] && caffe.counts(.train) == [4, 4])
  }

  @Test(
    "paths from elsewhere: absolute ones below the source or --root, relative ones below --root")
  func roots() throws {
    check(try prepare(lines { "PLACE/source/\($1) \($2)" }))
    let inner = Self.names.map { "deep/\($0)" }
    check(
      try prepare(lines { "\($1) \($2)" }, pictures: inner) { settings, place in
        settings.reading.root = place.path("source/deep")
      })
    check(try prepare(lines { "\($1) \($2)" }, file: "source/deep/list.txt", pictures: inner))
    expectFailure(.badData, "20 of 20 lines", "leads out of the source", "--root") {
      _ = try prepare(lines { "/etc/\($1) \($2)" })
    }
    expectFailure(.inputMissing, "--root takes one") {
      _ = try prepare(lines { "\($1) \($2)" }) { settings, _ in settings.reading.root = "/no/where"
      }
    }
  }
}
