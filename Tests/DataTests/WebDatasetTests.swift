import Data
import Foundation
import System
import TestSupport
import Testing

@Suite("WebDataset shards")
struct WebDatasetTests {
  private func picture(_ place: TemporaryFolder, _ label: Int, _ number: Int) throws -> [UInt8] {
    let pixels = (0..<64).flatMap { _ -> [UInt8] in [UInt8(20 * label), UInt8(number), 7] }
    return try place.png(TestPicture(width: 8, height: 8, pixels: pixels))
  }

  private func check(_ dataset: Dataset, _ labels: [Int]) throws {
    for split in Split.allCases {
      for record in 0..<dataset.count(split) {
        let pixels = try dataset.pixels(split, record)
        #expect(Int(pixels[0]) == 20 * labels[dataset.label(split, record)])
      }
    }
  }

  @Test("labels are read from .cls and from .json, as numbers and as names")
  func labels() throws {
    let place = TemporaryFolder()
    for (number, label) in [2, 10, 2, 10, 3].enumerated() {
      let bytes = try picture(place, label, number)
      let suffix = ["jpg", "PNG", "webp", "jpeg", "png"][number]
      try place.write(bytes, "shard/dir.x/s\(number).\(suffix)")
      if number < 3 {
        try place.write(Array("0\(label)\n".utf8), "shard/dir.x/s\(number).cls")
      } else {
        let key = number == 3 ? "label" : "class_id"
        try place.write(
          Array("{\"width\": 8, \"\(key)\": \(label)}".utf8), "shard/dir.x/s\(number).json")
      }
    }
    try place.write(Array("x".utf8), "shard/dir.x/s9.txt")
    try place.makeFolder("source")
    for format in ["gnu", "pax", "ustar"] {
      try place.tar("source/train-0000.tar", of: "shard", "--format=\(format)", "--sort=name")
      try place.tar("source/some-val-0000.tar", of: "shard", "--sort=name")
      var notes: [String] = []
      try place.prepare(
        "dataset-\(format)",
        report: { event in
          if case .note(let note) = event { notes.append(note) }
        })
      #expect(
        notes.first
          == "2 samples without a picture and a label ('some-val-0000.tar/dir.x/s9') were left out."
      )
      let dataset = try place.dataset("dataset-\(format)")
      #expect(dataset.classNames == ["2", "3", "10"])
      #expect(dataset.counts(.train) == [2, 1, 2] && dataset.counts(.validation) == [2, 1, 2])
      try check(dataset, [2, 3, 10])
    }
    let names = (0...10).map { "name \($0)" }
    try place.write(Array(names.joined(separator: "\n").utf8), "source/classes.txt")
    try place.prepare("named")
    #expect(try place.dataset("named").classNames == ["name 2", "name 3", "name 10"])
  }

  @Test("labels may be words, and a single shard is accepted")
  func words() throws {
    let place = TemporaryFolder()
    for number in 0..<20 {
      try place.write(try picture(place, number % 2, number), "shard/\(number).png")
      try place.write(Array(["owl", "Ant"][number % 2].utf8), "shard/\(number).cls")
    }
    try place.tar("one.tar", of: "shard", "--sort=name")
    try place.prepare(from: "one.tar")
    let dataset = try place.dataset()
    #expect(dataset.classNames == ["Ant", "owl"])
    #expect(dataset.counts(.train) == [9, 9] && dataset.counts(.validation) == [1, 1])
    try check(dataset, [1, 0])
  }

  @Test("a dataset of this program can be prepared again, and gives the same pictures and labels")
  func ownShards() throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 30, "b": 20])
    try place.prepare("first")
    try place.prepare("second", from: "first")
    let (first, second) = (try place.dataset("first"), try place.dataset("second"))
    for split in Split.allCases {
      #expect(first.counts(split) == second.counts(split))
      func all(_ dataset: Dataset) throws -> Set<[UInt8]> {
        Set(
          try (0..<dataset.count(split)).map {
            try dataset.pixels(split, $0) + [UInt8(dataset.label(split, $0))]
          })
      }
      #expect(try all(first) == all(second))
    }
  }

  @Test("classes with numbers as names keep their pictures in a dataset that is prepared again")
  func numbersAsNames() throws {
    let place = TemporaryFolder()
    let names = (0...10).map { "\($0)" }
    try place.writeClassFolders(Dictionary(uniqueKeysWithValues: names.map { ($0, 2) }))
    try place.prepare("first")
    try place.prepare("second", from: "first")
    let (first, second) = (try place.dataset("first"), try place.dataset("second"))
    #expect(first.classNames == names.sorted() && second.classNames == names.sorted())
    func pictures(_ dataset: Dataset) throws -> Set<[UInt8]> {
      Set(
        try (0..<dataset.count(.train)).map {
          try dataset.pixels(.train, $0) + [UInt8(dataset.label(.train, $0))]
        })
    }
    #expect(try pictures(first) == pictures(second))
  }

  @Test("repeated keys are refused")
  func duplicates() throws {
    let place = TemporaryFolder()
    for (number, label) in [0, 1, 1].enumerated() {
      for (key, folder) in [("s0", "first"), ("s0", "later"), ("s\(number + 1)", "between")] {
        try place.write(try picture(place, label, number), "\(folder)\(number)/\(key).png")
        try place.write(Array("\(label)".utf8), "\(folder)\(number)/\(key).cls")
      }
    }
    try place.makeFolder("source")
    // s0, s1, s2, and s0 again with another label: more can be appended to an archive.
    try place.tar("source/x.tar", of: "first0", "--sort=name")
    func append(_ folder: String) throws {
      let names = try place.names(folder)
      let result = try Program.run(
        ["/usr/bin/tar", "-rf", place.file("source/x.tar"), "-C", place.file(folder)] + names)
      #expect(result.code == 0, "\(result.error)")
    }
    try append("between0")
    try append("between1")
    // The same base name in a folder of the archive is another key.
    try place.write(try picture(place, 1, 9), "deep/s0.d/s0.png")
    try place.write(Array("1".utf8), "deep/s0.d/s0.cls")
    try append("deep")
    try place.prepare("dataset")
    let dataset = try place.dataset()
    #expect(dataset.count(.train) + dataset.count(.validation) == 4)
    try append("later1")
    expectFailure(.badData, "x.tar' holds 's0' twice") { try place.prepare("other") }
    // In two shards it may be.
    try FileManager.default.removeItem(atPath: place.file("source/x.tar"))
    for number in 0..<2 {
      try place.tar("source/\(number).tar", of: "first\(number)", "--sort=name")
      try place.tar("source/val-\(number).tar", of: "later\(number)", "--sort=name")
    }
    try place.prepare("shards")
    #expect(try place.dataset("shards").counts(.train) == [1, 1])
  }

  @Test("invalid shards are reported")
  func damage() throws {
    let place = TemporaryFolder()
    try place.write(try picture(place, 0, 0), "shard/a.png")
    try place.write(Array("0".utf8), "shard/a.cls")
    try place.makeFolder("source")
    try place.tar("source/x.tar", of: "shard")
    expectFailure(.badData, "one class only ('0')") { try place.prepare() }
    try place.write(try picture(place, 1, 0), "shard/b.png")
    try place.write(Array("1".utf8), "shard/b.cls")
    try place.tar("source/val.tar", of: "shard")
    expectFailure(.badData, "'1'", "none for training") { try place.prepare() }
    try place.write(try picture(place, 1, 0), "shard/b.jpg")
    try place.write(Array("no archive at all".utf8), "source/x.tar")
    expectFailure(.badData, "x.tar", "tar archive") { try place.prepare() }
    #expect(try place.names(".") == ["shard", "source"])
  }
}
