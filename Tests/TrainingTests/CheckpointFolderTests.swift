import Foundation
import System
import TestSupport
import Testing
import Training

/// The names of a run's checkpoints, given and taken away.
@Suite struct CheckpointFolderTests {
  private let folder = TemporaryFolder()
  private let checkpoints: CheckpointFolder

  init() throws {
    try FileManager.default.createDirectory(
      atPath: folder.file("checkpoints"), withIntermediateDirectories: true)
    checkpoints = CheckpointFolder(folder: try HeldFolder(folder.path))
  }

  private func write(_ names: String...) throws {
    for name in names {
      try Data(name.utf8).write(to: URL(fileURLWithPath: folder.file("checkpoints/" + name)))
    }
  }

  private var names: Set<String> {
    get throws {
      Set(try FileManager.default.contentsOfDirectory(atPath: folder.file("checkpoints")))
    }
  }

  private func text(_ name: String) throws -> String {
    try String(contentsOfFile: folder.file("checkpoints/" + name), encoding: .utf8)
  }

  @Test func onlyNamesThatARunGivesCountAsCheckpoints() throws {
    try write(
      "step-00000030.safetensors", "step-00000005.safetensors", "step-100000000.safetensors",
      "step-5.safetensors", "step-00000007 (copy).safetensors", "step-00000008.safetensors.partial",
      "step--0000009.safetensors", "notes.txt")
    #expect(checkpoints.steps == [5, 30, 100_000_000])
  }

  @Test func theNewestStayAndThoseThatAreNamed() throws {
    try write(
      "step-00000001.safetensors", "step-00000002.safetensors", "step-00000003.safetensors",
      "step-00000004.safetensors", "mine.safetensors")
    checkpoints.prune(keeping: 2, others: [1, nil])
    #expect(checkpoints.steps == [1, 3, 4])
    #expect(try names.contains("mine.safetensors"))
  }

  @Test func goingBackRemovesWhatCameLater() throws {
    try write(
      "step-00000001.safetensors", "step-00000002.safetensors", "step-00000003.safetensors")
    checkpoints.removeAll(after: 2)
    #expect(checkpoints.steps == [1, 2])
  }

  @Test func onlyWhatASaveLeftUnfinishedIsRemoved() throws {
    try write(
      "step-00000001.safetensors", "step-00000002.safetensors.partial",
      "latest.safetensors.partial", "thesis.partial", "step-2.safetensors.partial")
    checkpoints.removePartial()
    #expect(
      try names == ["step-00000001.safetensors", "thesis.partial", "step-2.safetensors.partial"])
  }

  @Test func aSecondNameMovesFromOneCheckpointToTheNext() throws {
    try write("step-00000001.safetensors", "step-00000002.safetensors")
    let latest = "checkpoints/latest.safetensors"
    #expect(checkpoints.name(1, also: latest))
    #expect(try text("latest.safetensors") == "step-00000001.safetensors")
    #expect(checkpoints.name(2, also: latest))
    #expect(try text("latest.safetensors") == "step-00000002.safetensors")
    // Of a checkpoint that is not there it is not given.
    #expect(!checkpoints.name(3, also: latest))
    #expect(try text("latest.safetensors") == "step-00000002.safetensors")
    #expect(try names.count == 3)
  }
}
