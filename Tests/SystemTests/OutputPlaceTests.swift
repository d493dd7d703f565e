import Glibc
import System
import TestSupport
import Testing

/// What a name that is to be written stands for, and what becomes of it.
@Suite struct OutputPlaceTests {
  private let folder = TemporaryFolder()
  private var names: [String] {
    var names: [String] = []
    guard let open = opendir(folder.path) else { return [] }
    defer { closedir(open) }
    while let entry = readdir(open) {
      withUnsafeBytes(of: entry.pointee.d_name) { bytes in
        names.append(String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self))
      }
    }
    return names.filter { !$0.hasPrefix(".") }.sorted()
  }

  private func kind(_ name: String) -> mode_t {
    var status = stat()
    return lstat(folder.file(name), &status) == 0 ? status.st_mode & S_IFMT : 0
  }

  /// Writes a text as all writers do.
  private func write(_ text: String, to path: String) throws {
    let place = try OutputPlace(path)
    let file = open(place.temporary, O_WRONLY | O_NOFOLLOW)
    #expect(file >= 0)
    #expect(Glibc.write(file, text, text.utf8.count) == text.utf8.count)
    close(file)
    try place.publish()
  }

  private func refusal(_ path: String) -> String {
    do throws(Failure) {
      _ = try OutputPlace(path)
      return ""
    } catch {
      #expect(error.exitCode == .cannotCreate)
      return error.message
    }
  }

  @Test func aFileIsReplacedWhenTheNewOneIsComplete() throws {
    let path = folder.write("out", Array("old".utf8))
    do {
      let place = try OutputPlace(path)
      close(open(place.temporary, O_WRONLY | O_NOFOLLOW))
    }
    // Nothing was published: the old file stays, and nothing else does.
    #expect(names == ["out"] && folder.read("out") == Array("old".utf8))
    try write("new", to: path)
    #expect(names == ["out"] && folder.read("out") == Array("new".utf8))
  }

  @Test func linksAreFollowedAndStay() throws {
    mkdir(folder.file("deep"), 0o700)
    _ = folder.write("deep/target", Array("old".utf8))
    symlink("deep/again", folder.file("link"))
    symlink("target", folder.file("deep/again"))
    symlink("nothing-yet", folder.file("dangling"))
    symlink(folder.file("circle"), folder.file("other"))
    symlink("other", folder.file("circle"))
    try write("new", to: folder.file("link"))
    #expect(folder.read("deep/target") == Array("new".utf8))
    #expect(kind("link") == S_IFLNK && kind("deep/again") == S_IFLNK)
    #expect(kind("deep/target") == S_IFREG)
    try write("made", to: folder.file("dangling"))
    #expect(kind("dangling") == S_IFLNK && folder.read("nothing-yet") == Array("made".utf8))
    #expect(refusal(folder.file("circle")).contains("a loop of links"))
  }

  @Test func devicesAndPipesAreWrittenToAndStay() throws {
    // A device of the test's own where it may be made; the system's where nobody could remove it.
    let own = mknod(folder.file("device"), S_IFCHR | 0o666, 0x103) == 0
    let device = own ? folder.file("device") : "/dev/null"
    try write("gone", to: device)
    symlink(device, folder.file("link"))
    try write("gone", to: folder.file("link"))
    var status = stat()
    #expect(lstat(device, &status) == 0 && status.st_mode & S_IFMT == S_IFCHR)
    #expect(kind("link") == S_IFLNK)
    do throws(Failure) {
      let place = try OutputPlace("/dev/full")
      let file = open(place.temporary, O_WRONLY | O_NOFOLLOW)
      #expect(Glibc.write(file, "text", 4) == 4)
      close(file)
      try place.publish()
      Issue.record("A full device took the text.")
    } catch { #expect(error.exitCode == .inputOutput) }

    let pipe = folder.file("pipe")
    mkfifo(pipe, 0o600)
    let reader = open(pipe, O_RDONLY | O_NONBLOCK)
    defer { close(reader) }
    try write("through", to: pipe)
    var bytes = [UInt8](repeating: 0, count: 100)
    let count = read(reader, &bytes, bytes.count)
    #expect(Array(bytes.prefix(max(0, count))) == Array("through".utf8))
    #expect(kind("pipe") == S_IFIFO)
    // An open stream by its number, as a shell's >(...) names it.
    let file = open(folder.file("open"), O_WRONLY | O_CREAT, 0o600)
    defer { close(file) }
    _ = Glibc.write(file, "one ", 4)
    try write("two", to: "/dev/fd/\(file)")
    #expect(folder.read("open") == Array("one two".utf8))
  }

  @Test func pathsThatCannotBeWrittenAreRefused() {
    #expect(refusal(folder.path).contains("is a folder; name a file"))
    #expect(refusal("").contains("not a file name"))
    // Handed to the system it would be 'out'.
    #expect(refusal(folder.file("out\0.txt")).contains("not a file name"))
    #expect(refusal(folder.write("file", []) + "/below").contains("Not a directory"))
    if mknod(folder.file("disk"), S_IFBLK | 0o600, 7 << 8 | 250) == 0 {
      #expect(refusal(folder.file("disk")).contains("is a disk"))
    }
    #expect(!names.contains("out"))
  }

  /// Before the work whose result goes there.
  @Test func aFolderThatIsMissingOrClosedIsFoundBeforehand() throws {
    func problem(_ path: String) -> String {
      do throws(Failure) {
        try OutputPlace.check(path)
        return ""
      } catch {
        #expect(error.exitCode == .cannotCreate)
        return error.message
      }
    }
    #expect(problem(folder.file("out")) == "" && problem("out") == "")
    #expect(problem(folder.file("nosuch/out")).contains("Make the folder first"))
    symlink("nosuch/target", folder.file("away"))
    #expect(problem(folder.file("away")).contains("Make the folder first"))
    mkdir(folder.file("closed"), 0o500)
    // The system's administrator may write everywhere.
    #expect(problem(folder.file("closed/out")).isEmpty == (geteuid() == 0))
    #expect(names == ["away", "closed"])
  }

  @Test func aDashIsStandardOutputAndNoFile() throws {
    #expect(OutputPlace.isStandardOutput("-") && !OutputPlace.isFile("-"))
    #expect(OutputPlace.isFile("./-") && OutputPlace.isFile(folder.file("-")))
    symlink("-", folder.file("link"))
    try write("new", to: folder.file("link"))
    #expect(folder.read("-") == Array("new".utf8))
  }

  /// Files of the user's, whatever they are called.
  @Test func otherFilesAreNeitherRemovedNorChanged() throws {
    let others = ["out.partial", "out.\(getpid()).partial", "out.\(getpid())-2.partial"]
    for name in others { _ = folder.write(name, Array("mine".utf8)) }
    mkdir(folder.file("named.partial"), 0o700)
    symlink("nowhere", folder.file("named.\(getpid()).partial"))
    let before = names
    do {
      let place = try OutputPlace(folder.file("out"))
      #expect(names.count == before.count + 1)
      close(open(place.temporary, O_WRONLY | O_NOFOLLOW))
    }
    #expect(names == before)
    for name in ["out", "named"] { try write("new", to: folder.file(name)) }
    #expect(names == (before + ["out", "named"]).sorted())
    for name in others { #expect(folder.read(name) == Array("mine".utf8)) }
    // Two writers of one name do not share a file.
    let (first, second) = (
      try OutputPlace(folder.file("out")), try OutputPlace(folder.file("out"))
    )
    #expect(first.temporary != second.temporary)
  }
}
