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

  /// What is downloaded or saved instead of the file, and what to do.
  static let others: [(start: [UInt8], says: String)] = [
    (Array("version https://git-lfs.github.com/spec/v1\noid sha256:1\n".utf8), "'git lfs pull'"),
    (Array("<!DOCTYPE html>\n<html>\n".utf8), "begins with '<!DOCTYPE html>'"),
    (Array("Entry not found".utf8), "begins with 'Entry not found'"),
    ([0x1F, 0x8B, 8, 0, 1, 2, 3, 4, 5], "is compressed; unpack it first."),
    ([0x80, 2, 0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9], "is a pickle, as PyTorch writes"),
    ([0x89] + Array("HDF\r\n\u{1A}\n".utf8), "is in HDF5"),
  ]

  @Test(arguments: ["safetensors", "npz", "caffemodel", "onnx"], others.indices)
  func anotherKindOfFileIsNamed(_ ending: String, _ other: Int) throws {
    let folder = TemporaryFolder()
    let (start, says) = Self.others[other]
    let path = try folder.write(start, "weights.\(ending)")
    let failure = #expect(throws: Failure.self) { _ = try WeightFile.open(path) }
    #expect(failure?.exitCode == .badData)
    #expect(failure?.message.contains(says) == true, "\(failure?.message ?? "")")
  }

  /// Its header may have the length that a pickle begins with.
  @Test func aDamagedFileOfItsOwnKindIsNoOther() throws {
    let folder = TemporaryFolder()
    let path = try folder.write([0x80, 2, 0, 0, 0, 0, 0, 0, 0x7B], "weights.safetensors")
    let failure = #expect(throws: Failure.self) { _ = try WeightFile.open(path) }
    #expect(
      failure?.message.contains("not a whole safetensors file") == true,
      "\(failure?.message ?? "")")
  }

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
