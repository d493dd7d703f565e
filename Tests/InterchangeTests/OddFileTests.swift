import Glibc
import Interchange
import Safetensors
import System
import TestSupport
import Testing

@Suite struct OddFileTests {
  /// What opens each kind of file.
  static let readers: [(suffix: String, open: @Sendable (String) throws -> Void)] = [
    ("safetensors", { _ = try SafetensorsFile(opening: $0) }),
    ("npz", { _ = try NumPyArchive(opening: $0) }), ("npy", { _ = try NumPyArray(contentsOf: $0) }),
    ("caffemodel", { _ = try CaffeModel(opening: $0) }),
    ("binaryproto", { _ = try CaffeMean.read($0, side: 2) }),
  ]

  /// A pipe that nobody writes to would keep its reader waiting for ever.
  @Test(.timeLimit(.minutes(1)), arguments: readers.indices)
  func pipesAndFoldersAreRefusedAtOnce(_ reader: Int) {
    let (suffix, open) = Self.readers[reader]
    let folder = TemporaryFolder()
    mkfifo(folder.file("pipe.\(suffix)"), 0o600)
    mkdir(folder.file("folder.\(suffix)"), 0o700)
    for name in ["pipe.\(suffix)", "folder.\(suffix)"] {
      let failure = #expect(throws: Failure.self) { try open(folder.file(name)) }
      #expect(failure?.exitCode == .badData)
      #expect(failure?.message.hasSuffix("\(name)' is not a regular file.") == true)
    }
    let failure = #expect(throws: Failure.self) { try open(folder.file("none.\(suffix)")) }
    #expect(failure?.exitCode == .inputMissing)
  }
}
