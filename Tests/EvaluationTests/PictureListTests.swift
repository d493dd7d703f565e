import Evaluation
import Failures
import Foundation
import Testing

/// What a command line names becomes a list of picture files.
@Suite struct PictureListTests {
  @Test func foldersListsAndFilesAreTakenInOrder() throws {
    let root = NSTemporaryDirectory() + "alexnet-pictures-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: root) }
    for folder in ["set/deep", "none"] {
      try FileManager.default.createDirectory(
        atPath: "\(root)/\(folder)", withIntermediateDirectories: true)
    }
    for name in ["set/b.jpg", "set/a.PNG", "set/notes.txt", "set/deep/c.webp", "none/readme"] {
      try Data().write(to: URL(fileURLWithPath: "\(root)/\(name)"))
    }
    let list = PictureList(
      ["one.jpg", "\(root)/set", "-", "\(root)/none"], lines: { ["two.png", "", "three.jpg"] })
    #expect(
      list.files == [
        "one.jpg", "\(root)/set/a.PNG", "\(root)/set/b.jpg", "\(root)/set/deep/c.webp", "two.png",
        "three.jpg",
      ])
    #expect(list.problems.count == 1)
    #expect(list.problems[0].message.contains("'\(root)/none' holds no pictures"))
    #expect(PictureList(["-"], lines: { [] }).problems[0].message.contains("standard input"))
  }
}
