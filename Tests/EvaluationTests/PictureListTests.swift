import Evaluation
import Foundation
import System
import TestSupport
import Testing

/// What a command line names becomes a list of picture files.
@Suite struct PictureListTests {
  @Test func foldersListsAndFilesAreReadInOrder() throws {
    let place = TemporaryFolder()
    let root = place.path
    for folder in ["set/deep", "none"] { try place.makeFolder(folder) }
    for name in ["set/b.jpg", "set/a.PNG", "set/notes.txt", "set/deep/c.webp", "none/readme"] {
      try place.write([], name)
    }
    let list = PictureList(
      ["one.jpg", "\(root)/set", "-", "\(root)/none"], list: { ["two.png", "three.jpg"] })
    #expect(
      list.files == [
        "one.jpg", "\(root)/set/a.PNG", "\(root)/set/b.jpg", "\(root)/set/deep/c.webp", "two.png",
        "three.jpg",
      ])
    #expect(list.problems.count == 1)
    #expect(list.problems[0].message.contains("'\(root)/none' holds no pictures"))
    #expect(PictureList(["-"], list: { [] }).problems[0].message.contains("standard input"))
  }

  @Test func aFolderInAListAddsOnlyPicturesThatTheListDoesNotName() throws {
    let place = TemporaryFolder()
    let root = place.path
    for folder in ["set/deep", "other"] { try place.makeFolder(folder) }
    for name in ["set/b.jpg", "set/a.png", "set/deep/c.webp", "other/d.png"] {
      try place.write([], name)
    }
    // As `find set` lists them, in no order.
    let found = ["set", "set/b.jpg", "set/deep", "set/deep/c.webp", "set/a.png"]
    let all = PictureList(["-"], list: { found.map { "\(root)/\($0)" } })
    #expect(all.files == ["set/b.jpg", "set/deep/c.webp", "set/a.png"].map { "\(root)/\($0)" })
    #expect(all.problems.isEmpty)
    // What is named twice is wanted twice; a folder gives no picture a second time.
    let named = ["other/d.png", "other/", "other/d.png", "set/", "set/deep"]
    let twice = PictureList(["-"], list: { named.map { "\(root)/\($0)" } })
    #expect(
      twice.files
        == ["other/d.png", "other/d.png", "set/a.png", "set/b.jpg", "set/deep/c.webp"]
        .map { "\(root)/\($0)" })
  }

  @Test func aFolderGivesThePicturesThatPrepareFindsAndReportsTheRest() throws {
    let place = TemporaryFolder()
    let root = place.path
    for folder in ["set/@eaDir", "set/__MACOSX", "far"] { try place.makeFolder(folder) }
    for name in ["set/@eaDir/a.png", "set/__MACOSX/a.png", "set/a.png", "set/raw.CR2", "set/b.txt"]
    {
      try place.write([], name)
    }
    for name in ["set/plain", "far/c"] {
      try place.write(
        [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + [UInt8](repeating: 0, count: 60), name)
    }
    try FileManager.default.createSymbolicLink(
      atPath: "\(root)/set/link", withDestinationPath: "../far")
    let list = PictureList(["\(root)/set"], list: { [] })
    #expect(list.files == ["a.png", "plain", "link/c"].map { "\(root)/set/\($0)" })
    let said = list.notes.joined(separator: "\n")
    for words in ["hidden or system files (2)", ".txt files (1)", "raw.CR2"] {
      #expect(said.contains(words), "\(said)")
    }
  }
}
