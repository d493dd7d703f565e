import Glibc
import System
import TestSupport
import Testing

/// What the system says of files, however they are named.
@Suite struct FileStatusTests {
  private let folder = TemporaryFolder()

  @Test func aFileIsTheSameByItsPathItsNumberAndItsNameInAFolder() throws {
    let path = try folder.write([1, 2, 3], "file")
    let status = try #require(FileStatus(path))
    #expect(status.isFile && status.size == 3 && status.links == 1 && status.owner == geteuid())
    let descriptor = open(path, O_RDONLY)
    defer { close(descriptor) }
    let held = try HeldFolder(folder.path)
    let others = [
      FileStatus(PathBytes(path)), FileStatus(descriptor: descriptor),
      FileStatus("file", in: held),
    ]
    for other in others {
      #expect(other?.identity == status.identity && other?.changed == status.changed)
    }
    #expect(link(path, folder.file("second")) == 0)
    let second = try #require(FileStatus(folder.file("second")))
    #expect(second.isSameFile(as: status) && second.links == 2)
    #expect(chmod(path, 0o640) == 0 && FileStatus(path)?.mode == 0o640)
  }

  @Test func linksAreFollowedUnlessTheyAreAskedFor() throws {
    symlink(folder.path, folder.file("link"))
    #expect(FileStatus(folder.file("link"))?.isFolder == true)
    #expect(FileStatus(folder.file("link"), followsLinks: false)?.isLink == true)
    let held = try HeldFolder(folder.path)
    #expect(FileStatus("link", in: held)?.isLink == true)
    symlink("nowhere", folder.file("broken"))
    let missing = FileStatus(folder.file("broken")) == nil ? errno : 0
    #expect(missing == ENOENT)
    #expect(FileStatus(folder.file("broken"), followsLinks: false)?.isLink == true)
  }

  @Test func everyKindIsToldApart() throws {
    mkfifo(folder.file("pipe"), 0o600)
    #expect(FileStatus(folder.file("pipe"))?.kind == .pipe)
    #expect(FileStatus("/dev/null")?.kind == .device)
    #expect(FileStatus(descriptor: -1) == nil)
    let file = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(file) }
    #expect(FileStatus(descriptor: file)?.kind == .socket)
  }
}
