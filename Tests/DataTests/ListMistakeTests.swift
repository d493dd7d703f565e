import Data
import Foundation
import System
import TestSupport
import Testing

/// Lines of lists that would give a picture another label, or none, without a word.
@Suite("Mistakes in lists")
struct ListMistakeTests {
  /// Twenty pictures, `source/0.png` and so on, and in `source/test` two more.
  private func pictures() throws -> TemporaryFolder {
    let place = TemporaryFolder()
    for number in 0..<20 {
      try place.writePicture(TestPicture(side: 8, seed: UInt32(number)), "source/\(number).png")
    }
    for number in 20..<22 {
      try place.writePicture(
        TestPicture(side: 8, seed: UInt32(number)), "source/test/\(number).png")
    }
    return place
  }

  /// What a list makes of the pictures, and what is said.
  private func prepare(
    _ place: TemporaryFolder, _ lines: [String], _ name: String = "list.csv", end: String = "\n"
  ) throws -> (dataset: Dataset, notes: String) {
    try place.write(Array((lines.joined(separator: end) + end).utf8), name)
    var settings = PreparationSettings(
      source: place.file("source"), destination: place.file("dataset-\(UUID().uuidString)"))
    settings.side = 8
    settings.reading.list = place.file(name)
    var notes: [String] = []
    _ = try Preparation.run(settings) { if case .note(let note) = $0 { notes.append(note) } }
    return (try Dataset(opening: settings.destination), notes.joined(separator: "\n"))
  }

  private func rows(_ row: (Int) -> String) -> [String] { (0..<20).map(row) }
  private func word(_ number: Int) -> String { number % 2 == 0 ? "cat" : "dog" }

  @Test("a line with only a label is refused where labels come first")
  func labelAlone() throws {
    let place = try pictures()
    let (dataset, notes) = try prepare(
      place, ["label,path"] + rows { $0 == 3 ? "dog" : "\(word($0)),\($0).png" })
    #expect(dataset.classNames == ["cat", "dog"])
    #expect(notes.contains("Line 5 has 1 field, not 2"), "\(notes)")
  }

  @Test("quotes that are never closed do not take forever", .timeLimit(.minutes(1)))
  func openQuotes() throws {
    let place = try pictures()
    let lines = Array(repeating: "\"a,b", count: 300_000)
    let long = String(repeating: "\"a,", count: 100_000)
    for odd in [lines, [long] + lines.prefix(1000)] {
      #expect(throws: Failure.self) { try prepare(place, rows { "\($0).png,\(word($0))" } + odd) }
    }
  }

  @Test("lines with too many fields are refused, but trailing separators are allowed")
  func fields() throws {
    let place = try pictures()
    for (header, divider) in [
      (["path,label"], ","), ([], ","), (["path\tlabel"], "\t"), (["label\tpath\tsplit"], "\t"),
    ] {
      let isTurned = header.first?.hasPrefix("label") == true
      let lines =
        header
        + rows { number in
          let label = number == 3 ? "Retriever\(divider) golden" : word(number)
          return isTurned
            ? [label, "\(number).png", "train"].joined(separator: divider)
            : ["\(number).png", label].joined(separator: divider)
        }
      let (dataset, notes) = try prepare(place, lines)
      #expect(dataset.classNames == ["cat", "dog"])
      let (line, fields) = (4 + header.count, isTurned ? "4 fields, not 3" : "3 fields, not 2")
      #expect(notes.contains("Line \(line) has \(fields)"), "\(notes)")
    }
    #expect(
      try prepare(place, rows { "\($0).png,\(word($0))," }).dataset.classNames == ["cat", "dog"])
  }

  @Test("quotes count only at the start of a field and may enclose line ends")
  func quotes() throws {
    let place = try pictures()
    let names = ["5\" disc", "7\" disc", "\"x\" y"]
    for (seed, name) in names.enumerated() {
      try place.writePicture(TestPicture(side: 8, seed: UInt32(50 + seed)), "source/\(name).png")
    }
    for (divider, end) in [("\t", "\n"), (",", "\r\n")] {
      let lines = names.map { "\($0).png\(divider)cat" } + rows { "\($0).png\(divider)\(word($0))" }
      let dataset = try prepare(place, lines, end: end).dataset
      #expect(dataset.count(.train) + dataset.count(.validation) == 23)
      let split = ["path,label"] + rows { "\($0).png,\"\(word($0))\(end)s\"" }
      #expect(try prepare(place, split, end: end).dataset.classNames.count == 2)
    }
  }

  @Test("unlabelled test pictures are left out")
  func unlabelledTest() throws {
    let place = try pictures()
    let test = [20, 21]
    for (lines, name) in [
      (
        ["path,label"] + rows { "\($0).png,\(word($0))" } + test.map { "test/\($0).png," },
        "list.csv"
      ),
      (
        rows { "{\"path\": \"\($0).png\", \"label\": \"\(word($0))\", \"split\": \"train\"}" }
          + test.map { "{\"path\": \"test/\($0).png\", \"label\": null, \"split\": \"test\"}" },
        "list.jsonl"
      ),
    ] {
      let (dataset, notes) = try prepare(place, lines, name)
      #expect(dataset.count(.train) == 18 && dataset.count(.test) == 0)
      #expect(notes.contains("2 pictures of") && notes.contains("without a label"), "\(notes)")
    }
    // As Hugging Face's folders of a competition have it.
    let folder = TemporaryFolder()
    for part in ["train", "test"] {
      for number in 0..<12 {
        try folder.writePicture(
          TestPicture(side: 8, seed: UInt32(number + part.count * 100)),
          "source/\(part)/\(number).png")
      }
      let label = { (number: Int) in part == "test" ? "null" : "\"\(word(number))\"" }
      let lines = (0..<12).map { "{\"file_name\": \"\($0).png\", \"label\": \(label($0))}" }
      try folder.write(Array(lines.joined(separator: "\n").utf8), "source/\(part)/metadata.jsonl")
    }
    try folder.prepare()
    #expect(
      try folder.dataset().count(.test) == 0 && folder.dataset().classNames == ["cat", "dog"])
  }

  @Test("tables in folders follow the same rules as lists")
  func metadata() throws {
    for (line, words) in [
      ("{\"file_name\": \"20.png\"}", "has no label for '20.png'"),
      ("{\"file_name\": \"0.png\", \"label\": \"dog\"}", "names '0.png' a second time"),
    ] {
      let place = TemporaryFolder()
      for number in 0..<21 {
        try place.writePicture(TestPicture(side: 8, seed: UInt32(number)), "source/\(number).png")
      }
      let lines =
        rows { "{\"file_name\": \"\($0).png\", \"label\": \"\(word($0))\"}" }
      for lines in [lines + [line], line.contains("dog") ? lines + [line] : [line] + lines] {
        try place.write(Array(lines.joined(separator: "\n").utf8), "source/metadata.jsonl")
        var settings = PreparationSettings(
          source: place.file("source"), destination: place.file("d"))
        settings.side = 8
        var notes = ""
        try Preparation.survey(settings) { if case .note(let note) = $0 { notes += note } }
        #expect(
          notes.contains("Line \(lines.count == 21 && lines[0] == line ? 1 : 21) \(words)"),
          "\(notes)")
      }
    }
  }

  @Test("numeric labels are normalised, -1 means unlabelled, lower ones are refused")
  func numbers() throws {
    let place = try pictures()
    let dataset = try prepare(
      place,
      rows {
        ["\($0).png", ["0.00e+00", "1.", "-1.00", "\u{FEFF}0e+00\u{A0}"][$0 % 4]].joined(
          separator: "\t")
      }
    ).dataset
    #expect(dataset.classNames == ["0", "1"])
    #expect(dataset.count(.train) + dataset.count(.validation) == 15)
    // Labels of two classes, -1 and 0, are one here.
    expectFailure(.badData, "without a label (or with -1) were left out") {
      _ = try prepare(place, rows { "\($0).png\t\($0 % 2 - 1)" })
    }
    expectFailure(.badData, "holds one class only ('0')") {
      _ = try prepare(place, rows { "\($0).png\t\($0 % 2 - 1)" })
    }
    expectFailure(.badData, "has the label -2, which is not a class") {
      _ = try prepare(place, rows { "\($0).png\t\($0 % 4 - 2)" })
    }
  }

  @Test("several labels of one picture are not a class of their own")
  func severalLabels() throws {
    let place = try pictures()
    expectFailure(.badData, "10 of 20 lines", "Line 1 has several labels ('Mass|Nodule')") {
      _ = try prepare(place, rows { "\($0).png,\($0 % 2 == 0 ? "Mass|Nodule" : "Mass")" })
    }
    expectFailure(.badData, "20 of 20 lines", "Line 1 has a list of labels") {
      let lines = rows { "{\"file_name\": \"\($0).png\", \"label\": [\($0 % 2), 7]}" }
      _ = try prepare(place, lines, "list.jsonl")
    }
  }

  @Test("case differences, empty parts and unused columns are reported")
  func said() throws {
    let place = try pictures()
    let (_, notes) = try prepare(
      place,
      ["path,label,split"]
        + rows {
          "\($0).png,\($0 < 4 ? "Cat" : word($0)),\($0 < 5 ? "" : $0 < 10 ? "val" : "train")"
        }
    )
    #expect(notes.contains("'Cat', 'cat' differ only in capitals"), "\(notes)")
    #expect(notes.contains("5 pictures of") && notes.contains("without a split took"))
    expectFailure(.badData, "gives no label", "not used: 'colour'") {
      _ = try prepare(place, ["image_path,colour"] + rows { "\($0).png,\(word($0))" })
    }
    let named = try prepare(place, ["image_path,category_id"] + rows { "\($0).png,\(word($0))" })
    #expect(named.dataset.classNames == ["cat", "dog"])
  }

  @Test("names are found in either Unicode normalisation")
  func forms() throws {
    let place = try pictures()
    try place.writePicture(TestPicture(side: 8, seed: 60), "source/cafe\u{301}.png")
    let lines = ["caf\u{E9}.png,cat"] + rows { "\($0).png,\(word($0))" }
    #expect(try prepare(place, lines).dataset.counts(.train).reduce(0, +) == 19)
    try place.write(
      Array((["file_name,label"] + lines).joined(separator: "\n").utf8), "source/metadata.csv")
    let summary = try place.prepare()
    #expect(summary.train + summary.validation == 21)
  }
}
