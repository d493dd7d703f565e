import Data
import Foundation
import System
import TestSupport
import Testing

@Suite("Links in class folders")
struct ClassLinkTests {
  private func link(_ place: TemporaryFolder, _ name: String, to target: String) throws {
    try FileManager.default.createSymbolicLink(
      atPath: place.file(name), withDestinationPath: target)
  }

  /// Pictures of both splits by class.
  private func counts(_ place: TemporaryFolder) throws -> [Int] {
    let dataset = try place.dataset()
    return zip(dataset.counts(.train), dataset.counts(.validation)).map { $0 + $1 }
  }

  @Test(
    "links to parent folders add no pictures",
    arguments: ["..", "../..", "../../..", "."])
  func above(target: String) throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 6, "b": 6], in: "source")
    try place.writePicture(TestPicture(side: 8, seed: 1), "stranger.png")
    try place.makeFolder("source/a/deep")
    try link(place, "source/a/up", to: target)
    try link(place, "source/a/deep/up", to: "../\(target)")
    try place.prepare()
    #expect(try counts(place) == [6, 6])
  }

  @Test("links to parent folders are ignored inside part folders too")
  func splits() throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 6, "b": 6], in: "source/train")
    try place.writeClassFolders(["a": 3, "b": 3], in: "source/val")
    for split in ["train", "val"] { try link(place, "source/\(split)/a/up", to: "..") }
    try link(place, "source/val/b/up", to: "../..")
    try link(place, "source/train/b/other", to: "../../val")
    try link(place, "source/val/b/other", to: "../../train")
    try place.prepare()
    let dataset = try place.dataset()
    #expect(dataset.counts(.train) == [6, 6] && dataset.counts(.validation) == [3, 3])
  }

  @Test("linked folders are read once per class")
  func followed() throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["b": 6], in: "source")
    try place.writeClassFolders(["far": 6], in: "elsewhere")
    try place.makeFolder("source/a")
    for name in ["one", "two"] {
      try link(place, "source/a/\(name)", to: place.file("elsewhere/far"))
    }
    try place.prepare()
    #expect(try counts(place) == [6, 6])
  }

  @Test("repeatedly crossing links do not multiply the reading")
  func doubling() throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 6, "b": 6], in: "source")
    for level in 0..<40 {
      try place.makeFolder("level/\(level)")
      for name in ["x", "y"] where level < 39 {
        try link(place, "level/\(level)/\(name)", to: place.file("level/\(level + 1)"))
      }
    }
    try link(place, "source/a/levels", to: place.file("level/0"))
    try place.prepare()
    #expect(try counts(place) == [6, 6])
  }

  @Test("a link to another class's folder adds no picture twice")
  func sibling() throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 6, "b": 6], in: "source")
    try place.makeFolder("source/b/deep")
    try place.writePicture(TestPicture(side: 8, seed: 99), "source/b/deep/1.png")
    try link(place, "source/a/sibling", to: "../b")
    try link(place, "source/a/deeper", to: "../b/deep")
    try link(place, "source/b/sibling", to: "../a")
    try place.prepare()
    #expect(try counts(place) == [6, 7])
  }

  @Test("another user's unfinished preparation is left alone", .enabled(if: geteuid() == 0))
  func staging() throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 6, "b": 6], in: "source")
    try place.write([1], ".dataset.preparing/train-000000.tar")
    #expect(chown(place.file(".dataset.preparing"), 12345, 12345) == 0)
    expectFailure(.cannotCreate, ".dataset.preparing'", "another user") { try place.prepare() }
    #expect(try place.names(".dataset.preparing") == ["train-000000.tar"])
    try FileManager.default.removeItem(atPath: place.file(".dataset.preparing"))
    try place.makeFolder("theirs")
    try link(place, ".dataset.preparing", to: "theirs")
    expectFailure(.cannotCreate, ".dataset.preparing'") { try place.prepare() }
    #expect(try place.names("theirs").isEmpty)
  }
}
