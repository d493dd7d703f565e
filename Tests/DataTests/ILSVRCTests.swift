import Data
import Foundation
import System
import TestSupport
import Testing

@Suite("ILSVRC's archives")
struct ILSVRCTests {
  /// Pictures whose red value says the class and whose green value the picture.
  private func picture(_ place: TemporaryFolder, _ label: Int, _ number: Int) throws -> [UInt8] {
    let pixels = (0..<64).flatMap { _ -> [UInt8] in [UInt8(20 * label), UInt8(number), 7] }
    return try place.png(TestPicture(width: 8, height: 8, pixels: pixels))
  }

  private func write(_ place: TemporaryFolder, _ year: Int, format: String = "gnu") throws {
    let train = try (0..<10).map { label in
      try (0..<3).map { try picture(place, label, $0) }
    }
    let validation = try [9, 3, 3, 0, 5].enumerated().map {
      (label: $1, bytes: try picture(place, $1, 100 + $0))
    }
    try place.writeILSVRC(year, train: train, validation: validation, format: format)
  }

  @Test(
    "labels and class names come from the kit",
    arguments: [(2010, "gnu"), (2012, "gnu"), (2012, "pax"), (2012, "ustar"), (2010, "v7")])
  func content(year: Int, format: String) throws {
    let place = TemporaryFolder()
    try write(place, year, format: format)
    try place.write([1], "source/ILSVRC\(year)_img_test.tar")
    var notes = ""
    try place.prepare(report: { event in if case .note(let note) = event { notes += note } })
    #expect(notes.contains("left out: 'ILSVRC\(year)_img_test.tar'"), "\(notes)")
    let dataset = try place.dataset()
    #expect(dataset.classNames == (0..<10).map { "thing \($0), chose é\($0) (n0000000\($0))" })
    #expect(dataset.counts(.train) == Array(repeating: 3, count: 10))
    #expect(dataset.counts(.validation) == [1, 0, 0, 2, 0, 1, 0, 0, 0, 1])
    var seen: Set<UInt8> = []
    for split in Split.allCases {
      for record in 0..<dataset.count(split) {
        let pixels = try dataset.pixels(split, record)
        #expect(Int(pixels[0]) == 20 * dataset.label(split, record))
        if split == .validation { seen.insert(pixels[1]) }
      }
    }
    #expect(seen == [100, 101, 102, 103, 104])
  }

  @Test("without a validation archive a part is held out and the kit may be missing")
  func trainingAlone() throws {
    let place = TemporaryFolder()
    try write(place, 2012)
    for name in ["ILSVRC2012_img_val.tar", "ILSVRC2012_devkit_t12.tar.gz"] {
      try FileManager.default.removeItem(atPath: place.file("source/\(name)"))
    }
    try place.prepare { $0.holdOut = 0.34 }
    let dataset = try place.dataset()
    #expect(dataset.classNames == (0..<10).map { "n0000000\($0)" })
    #expect(dataset.counts(.validation) == Array(repeating: 1, count: 10))
  }

  @Test("an unpacked development kit is accepted")
  func unpackedKit() throws {
    let place = TemporaryFolder()
    try write(place, 2012)
    let kit = place.file("source/ILSVRC2012_devkit_t12.tar.gz")
    #expect(try Program.run(["/usr/bin/tar", "xzf", kit, "-C", place.file("source")]).code == 0)
    try FileManager.default.removeItem(atPath: kit)
    try place.prepare()
    #expect(try place.dataset().classNames[3] == "thing 3, chose é3 (n00000003)")
  }

  @Test("missing and damaged files are reported")
  func damage() throws {
    let place = TemporaryFolder()
    try write(place, 2012)
    let train = "source/ILSVRC2012_img_train.tar"
    let whole = try place.read(train)
    try place.write(Array(whole[..<(whole.count / 2)]), train)
    expectFailure(.badData, "ILSVRC2012_img_train.tar", "truncated") { try place.prepare() }
    // In the second class's archive, a header's checksum.
    var bytes = whole
    let header = try #require(find("n00000001_000001.JPEG", in: whole))
    bytes[header] ^= 1
    try place.write(bytes, train)
    expectFailure(.badData, "ILSVRC2012_img_train.tar/n00000001.tar", "tar archive") {
      try place.prepare()
    }
    try place.write(whole, train)
    let kit = try place.read("source/ILSVRC2012_devkit_t12.tar.gz")
    try place.write(Array(kit[..<(kit.count / 2)]), "source/ILSVRC2012_devkit_t12.tar.gz")
    expectFailure(.badData, "devkit_t12.tar.gz") { try place.prepare() }
    try FileManager.default.removeItem(atPath: place.file("source/ILSVRC2012_devkit_t12.tar.gz"))
    expectFailure(.inputMissing, "ILSVRC2012_devkit_t12.tar.gz") { try place.prepare() }
    try place.write(Array("text".utf8), "source/ILSVRC2012_devkit_t12/data/meta.mat")
    try place.write(
      Array("1\n".utf8), "source/ILSVRC2012_devkit_t12/data/ILSVRC2012_validation_ground_truth.txt")
    expectFailure(.badData, "meta.mat", "synsets") { try place.prepare() }
    try place.write(MetaFiles.of2012, "source/ILSVRC2012_devkit_t12/data/meta.mat")
    expectFailure(.badData, "(1 lines)") { try place.prepare() }
    #expect(try place.names(".") == ["source"])
  }

  @Test("an archive with a repeated picture is refused")
  func duplicates() throws {
    let place = TemporaryFolder()
    try write(place, 2012)
    func append(_ file: String, to archive: String) throws {
      try place.write(try picture(place, 1, 77), "more/\(file)")
      let result = try Program.run([
        "/usr/bin/tar", "-rf", place.file(archive), "-C", place.file("more"), file,
      ])
      #expect(result.code == 0, "\(result.error)")
    }
    let validation = "source/ILSVRC2012_img_val.tar"
    let whole = try place.read(validation)
    try append("ILSVRC2012_val_00000002.JPEG", to: validation)
    expectFailure(
      .badData, "img_val.tar' holds 'ILSVRC2012_val_00000002.JPEG' twice"
    ) { try place.prepare() }
    // The same picture under two names.
    try place.write(whole, validation)
    try append("val/ILSVRC2012_val_00000002.JPEG", to: validation)
    expectFailure(.badData, "img_val.tar' holds picture 2 twice") { try place.prepare() }
    try place.write(whole, validation)
    let train = "source/ILSVRC2012_img_train.tar"
    try place.makeFolder("classes")
    let unpack = ["-xf", place.file(train), "-C", place.file("classes")]
    #expect(try Program.run(["/usr/bin/tar"] + unpack).code == 0)
    try append("n00000001_000001.JPEG", to: "classes/n00000001.tar")
    try place.tar(train, of: "classes")
    expectFailure(
      .badData, "img_train.tar/n00000001.tar' holds 'n00000001_000001.JPEG' twice"
    ) { try place.prepare() }
  }

  @Test("links, devices and names that lead outside are never followed or written")
  func escapes() throws {
    let place = TemporaryFolder()
    let train = try (0..<10).map { label in [try picture(place, label, 0)] }
    try place.write(try picture(place, 1, 1), "outside.JPEG")
    try place.makeFolder("one")
    try FileManager.default.createSymbolicLink(
      atPath: place.file("one/link.JPEG"), withDestinationPath: "/etc/passwd")
    mkfifo(place.file("one/pipe.JPEG"), 0o600)
    try place.write(train[1][0], "one/n1.JPEG")
    try FileManager.default.linkItem(
      atPath: place.file("one/n1.JPEG"), toPath: place.file("one/n2.JPEG"))
    try place.makeFolder("all")
    let result = try Program.run([
      "/usr/bin/tar",
      "-cPf", place.file("all/n00000001.tar"), "-C", place.file("one"), "link.JPEG", "pipe.JPEG",
      "n1.JPEG", "n2.JPEG", "../outside.JPEG", place.file("outside.JPEG"),
    ])
    #expect(result.code == 0)
    try place.write(train[0][0], "zero/a.JPEG")
    try place.tar("all/n00000000.tar", of: "zero")
    try place.makeFolder("source")
    try place.tar("source/ILSVRC2012_img_train.tar", of: "all")
    let before = try place.names(".")
    expectFailure(.badData, "no usable picture for validation") {
      try place.prepare { $0.limitPerClass = 1 }
    }
    #expect(try place.names(".") == before)
    try place.prepare()
    // n1 and the outside one; hard links have no bytes of their own.
    let dataset = try place.dataset()
    #expect(dataset.counts(.train)[1] == 1 && dataset.counts(.validation)[1] == 1)
    #expect(try place.names(".") == (before + ["dataset"]).sorted())
  }

  private func find(_ text: String, in bytes: [UInt8]) -> Int? {
    let text = Array(text.utf8)
    return (0..<bytes.count - text.count).first {
      bytes[$0] == text[0] && Array(bytes[$0..<$0 + text.count]) == text
    }
  }
}
