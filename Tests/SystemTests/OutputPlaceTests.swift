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
    let path = try folder.write(Array("old".utf8), "out")
    do {
      let place = try OutputPlace(path)
      close(open(place.temporary, O_WRONLY | O_NOFOLLOW))
    }
    // Nothing was published: the old file stays, and nothing else does.
    #expect(try names == ["out"] && folder.read("out") == Array("old".utf8))
    try write("new", to: path)
    #expect(try names == ["out"] && folder.read("out") == Array("new".utf8))
  }

  @Test func linksAreFollowedAndStay() throws {
    mkdir(folder.file("deep"), 0o700)
    try folder.write(Array("old".utf8), "deep/target")
    symlink("deep/again", folder.file("link"))
    symlink("target", folder.file("deep/again"))
    symlink("nothing-yet", folder.file("dangling"))
    symlink(folder.file("circle"), folder.file("other"))
    symlink("other", folder.file("circle"))
    try write("new", to: folder.file("link"))
    #expect(try folder.read("deep/target") == Array("new".utf8))
    #expect(kind("link") == S_IFLNK && kind("deep/again") == S_IFLNK)
    #expect(kind("deep/target") == S_IFREG)
    try write("made", to: folder.file("dangling"))
    #expect(try kind("dangling") == S_IFLNK && folder.read("nothing-yet") == Array("made".utf8))
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
    #expect(try folder.read("open") == Array("one two".utf8))
  }

  @Test func pathsThatCannotBeWrittenAreRefused() throws {
    #expect(refusal(folder.path).contains("is a folder; name a file"))
    #expect(refusal("").contains("not a file name"))
    // Handed to the system it would be 'out'.
    #expect(refusal(folder.file("out\0.txt")).contains("not a file name"))
    #expect(try refusal(folder.write([], "file") + "/below").contains("Not a directory"))
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
    #expect(try folder.read("-") == Array("new".utf8))
  }

  /// Files of the user's, whatever they are called.
  @Test func otherFilesAreNeitherRemovedNorChanged() throws {
    let others = ["out.partial", "out.\(getpid()).partial", "out.\(getpid())-2.partial"]
    for name in others { try folder.write(Array("mine".utf8), name) }
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
    for name in others { #expect(try folder.read(name) == Array("mine".utf8)) }
    // Two writers of one name do not share a file.
    let (first, second) = (
      try OutputPlace(folder.file("out")), try OutputPlace(folder.file("out"))
    )
    #expect(first.temporary != second.temporary)
  }

  // MARK: Files that must stay

  private func make(_ names: String...) throws {
    for name in names { try folder.write(Array("{}".utf8), name) }
  }

  private func makeRun() throws {
    for name in ["run", "run/checkpoints", "run/tensorboard"] { mkdir(folder.file(name), 0o700) }
    try make("run/config.json", "run/metrics.jsonl", "run/checkpoints/step-00000002.safetensors")
  }

  @Test(arguments: [
    "dataset.json", "statistics.safetensors", "rejected.jsonl", "duplicates.jsonl", "train.index",
    "validation.index", "test.index", "train-000000.tar", "validation-000007.tar",
  ]) func aDatasetsFilesAreNoOutputs(_ name: String) throws {
    mkdir(folder.file("data"), 0o700)
    #expect(refusal(folder.file("data/\(name)")).isEmpty)
    try make("data/dataset.json")
    #expect(refusal(folder.file("data/\(name)")).contains("is a file of the dataset"))
    #expect(refusal(folder.file("data/preview.png")).isEmpty)
    #expect(try folder.read("data/dataset.json") == Array("{}".utf8))
  }

  @Test(arguments: [
    "config.json", "metrics.jsonl", "log.txt", "provenance.jsonl", "lock",
    "checkpoints/best.safetensors", "checkpoints/new.npy", "tensorboard/page.html",
  ]) func aRunsFilesAreNoOutputs(_ name: String) throws {
    try makeRun()
    #expect(refusal(folder.file("run/\(name)")).contains(" of the run "))
    // By other ways to it.
    #expect(refusal(folder.file("run/./checkpoints/../\(name)")).contains(" of the run "))
    symlink("run/\(name)", folder.file("link"))
    #expect(refusal(folder.file("link")).contains(" of the run "))
    symlink("run/checkpoints", folder.file("points"))
    #expect(refusal(folder.file("points/latest.safetensors")).contains(" of the run "))
    for other in ["report.html", "kernels.png", "config.json.old"] {
      #expect(refusal(folder.file("run/\(other)")).isEmpty, "\(other)")
    }
  }

  /// Other programs have a config.json and a folder of checkpoints too.
  @Test func otherFoldersAreNoRuns() throws {
    mkdir(folder.file("model"), 0o700)
    mkdir(folder.file("model/checkpoints"), 0o700)
    try make("model/config.json")
    for name in ["config.json", "log.txt", "checkpoints/alexnet.safetensors"] {
      #expect(refusal(folder.file("model/\(name)")).isEmpty, "\(name)")
    }
  }

  private func complaint(_ outputs: [(String, String)], reading inputs: [String] = []) -> String {
    do throws(Failure) {
      try OutputPlace.check(outputs.map { (option: $0.0, path: $0.1) }, reading: inputs)
      return ""
    } catch { return error.message }
  }

  @Test func oneOutputDoesNotReplaceAnother() {
    let (one, two) = (folder.file("same"), folder.path + "/./same")
    let says = complaint([("--one", one), ("--two", two)])
    #expect(says.contains("--one and --two both write"), "\(says)")
    symlink("same", folder.file("link"))
    #expect(complaint([("--one", one), ("--two", folder.file("link"))]).contains("both write"))
    #expect(complaint([("--one", one), ("--two", folder.file("other"))]).isEmpty)
    // Streams lose nothing.
    #expect(complaint([("--one", "/dev/null"), ("--two", "/dev/null")]).isEmpty)
  }

  @Test func anOutputDoesNotReplaceWhatIsRead() throws {
    try make("input", "other")
    symlink("input", folder.file("link"))
    for path in ["input", "link"] {
      let says = complaint(
        [("--out", folder.file(path))], reading: ["fp32", folder.file("input")])
      #expect(says.contains("--out would replace"), "\(says)")
    }
    #expect(complaint([("--out", folder.file("other"))], reading: [folder.file("input")]).isEmpty)
  }

  @Test func aCheckFindsWhatWouldFailAfterTheWork() throws {
    func says(_ path: String, coming: String? = nil) -> String {
      do throws(Failure) {
        try OutputPlace.check(path, coming: coming)
        return ""
      } catch { return error.message }
    }
    #expect(says(folder.file("nosuch/x")).contains("No such file or directory. Make the folder"))
    #expect(says("/dev/full").contains("always full"))
    #expect(says("/dev/null").isEmpty)
    let run = folder.file("run")
    #expect(says(run + "/x", coming: run + "/").isEmpty)
    #expect(!says(run + "/deeper/x", coming: run).isEmpty)
    #expect(OutputPlace.isFile(run + "/config.json", ofRunIn: run + "/"))
    #expect(OutputPlace.isFile("run/checkpoints/x", ofRunIn: "./run"))
    #expect(!OutputPlace.isFile(run + "/timeline.json", ofRunIn: run))
  }
}
