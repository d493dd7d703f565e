import Foundation
import System
import Glibc
import TestSupport
import Testing
import Training

@Suite struct RunDirectoryTests {
  private let folder = TemporaryFolder()
  private var run: RunDirectory { RunDirectory(folder.file("run")) }

  private func create() throws {
    try run.checkIsFree()
    try run.makeFolder()
    try run.makeCheckpointFolder()
  }

  private func write(_ text: String, _ name: String) throws {
    try text.write(toFile: run.path + "/" + name, atomically: false, encoding: .utf8)
  }

  /// A disk that is full at the start leaves such a folder.
  @Test func filesOfARunThatNeverStartedDoNotBlockANewOne() throws {
    try create()
    for name in ["lock", "log.txt", "metrics.jsonl", "config.json.partial"] { try write("", name) }
    try create()
    try write("Training ...\n", "log.txt")
    try create()
  }

  /// By their numbers, since names of more than eight digits are not in the order of the alphabet.
  @Test func onlyFilesWithCheckpointNamesAreCheckpoints() throws {
    try create()
    let names = ["step-00000005", "step-99999999", "step-100000000"]
    let others = [
      "step-good", "step-5", "step-0000005", "step-000000005", "step-+0000005", "step-",
      "step-00000005 (copy)", "Step-00000006", "latest", "best",
    ]
    for name in names + others { try write("x", "checkpoints/\(name).safetensors") }
    try write("x", "checkpoints/step-00000007.safetensors.partial")
    #expect(run.checkpointFiles == names.map { "\(run.checkpoints)/\($0).safetensors" })
  }

  @Test(arguments: [
    "metrics.jsonl", "notes.txt", "config.json", "checkpoints/step-00000005.safetensors",
    "checkpoints/step-good.safetensors",
  ])
  func valuableFilesBlockANewRun(_ name: String) throws {
    try create()
    try write("{}\n", name)
    let failure = #expect(throws: Failure.self) { try create() }
    #expect(failure?.exitCode == .cannotCreate)
  }

  /// A device is refused like a file; a folder that is there keeps its mode, whoever may write
  /// there.
  @Test func aRefusedFolderIsNotChanged() throws {
    func mode(_ path: String) -> mode_t {
      var status = stat()
      return stat(path, &status) == 0 ? status.st_mode & 0o7777 : 0
    }
    try "mine".write(toFile: run.path, atomically: false, encoding: .utf8)
    #expect(chmod(run.path, 0o640) == 0)
    let failure = #expect(throws: Failure.self) { try create() }
    #expect(failure?.exitCode == .cannotCreate && mode(run.path) == 0o640)
    let open = RunDirectory(folder.file("open"))
    for bits: mode_t in [0o1777, 0o755] {
      mkdir(open.path, 0o700)
      #expect(chmod(open.path, bits) == 0)
      try open.checkIsFree()
      #expect(try !open.makeFolder())
      if bits == 0o755 {
        #expect(try open.check() == nil)
      } else {
        #expect(throws: Failure.self) { try open.check() }
      }
      #expect(mode(open.path) == bits)
    }
  }

  /// The rule for outputs knows the names by heart.
  @Test func noOutputReplacesAFileOfARun() throws {
    try create()
    for name in ["config.json", "metrics.jsonl"] { try write("{}", name) }
    for path in [
      run.configuration, run.metrics, run.log, run.provenance, run.lock, run.latest, run.best,
      run.checkpoints + "/step-00000001.safetensors",
    ] {
      let failure = #expect(throws: Failure.self) { try OutputPlace.check(path) }
      #expect(failure?.message.contains(" of the run ") == true, "\(path)")
    }
    try OutputPlace.check(run.path + "/report.html")
  }
}
