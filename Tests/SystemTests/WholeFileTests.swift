import Glibc
import System
import TestSupport
import Testing

/// Files that take their names when they are whole.
@Suite struct WholeFileTests {
  private let folder = TemporaryFolder()
  private var names: [String] { HeldFolder.names(in: folder.path).sorted() }

  @Test func aFileOfAHeldFolderTakesItsNameWhenItIsWhole() throws {
    try folder.write(Array("old".utf8), "file")
    // Whatever a killed process left is replaced, a link too.
    symlink("elsewhere", folder.file("file.partial"))
    let file = try WholeFile("file", in: HeldFolder(folder.path))
    try file.write(Array("new".utf8))
    #expect(try folder.read("file") == Array("old".utf8) && names == ["file", "file.partial"])
    try file.publish()
    #expect(try folder.read("file") == Array("new".utf8) && names == ["file"])
  }

  @Test func whatIsNeverWholeKeepsItsTemporaryNameInAHeldFolderAndNoneWhereAUserNamedIt() throws {
    let held = try HeldFolder(folder.path)
    do {
      let file = try WholeFile("file", in: held)
      try file.write([1])
    }
    #expect(names == ["file.partial"])
    PartialFile("file", in: held).remove()
    do {
      let file = try WholeFile(folder.file("file"))
      try file.write([1])
      #expect(names.count == 1 && names != ["file"])
    }
    #expect(names == [])
  }

  @Test func aNewFileReplacesNothing() throws {
    let path = try folder.write([1], "file")
    do throws(Failure) {
      _ = try WholeFile(new: path)
      Issue.record("It was replaced.")
    } catch {
      #expect(error.exitCode == .cannotCreate && error.message.contains(path))
    }
    #expect(try folder.read("file") == [1])
  }

  @Test func aSecondNameTakesThePlaceOfAFile() throws {
    try folder.write([1], "one")
    try folder.write([0], "latest")
    let held = try HeldFolder(folder.path)
    for _ in 0..<2 {
      #expect(PartialFile("latest", in: held).publish(asLinkTo: "one"))
      #expect(try names == ["latest", "one"] && folder.read("latest") == [1])
    }
    #expect(!PartialFile("latest", in: held).publish(asLinkTo: "nothing"))
    #expect(try folder.read("latest") == [1])
  }

  @Test func aFullDiskHasARemedy() throws {
    let file = try WholeFile(folder.file("file"))
    #expect(file.failure(ENOSPC).message.contains("Make room"))
    #expect(!file.failure(EIO).message.contains("Make room"))
  }
}
