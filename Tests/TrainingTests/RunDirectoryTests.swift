import Failures
import Foundation
import TestSupport
import Testing
import Training

@Suite struct RunDirectoryTests {
  private let folder = TemporaryFolder()
  private var run: RunDirectory { RunDirectory(folder.file("run")) }

  private func write(_ text: String, _ name: String) throws {
    try text.write(toFile: run.path + "/" + name, atomically: false, encoding: .utf8)
  }

  /// A disk that is full at the start leaves such a folder.
  @Test func whatARunLeavesThatNeverBeganIsNotInTheWay() throws {
    try run.create()
    for name in ["lock", "log.txt", "metrics.jsonl", "config.json.partial"] { try write("", name) }
    try run.create()
    try write("Training ...\n", "log.txt")
    try run.create()
  }

  @Test(arguments: [
    "metrics.jsonl", "notes.txt", "config.json", "checkpoints/step-00000005.safetensors",
  ])
  func whatIsOfValueIs(_ name: String) throws {
    try run.create()
    try write("{}\n", name)
    let failure = #expect(throws: Failure.self) { try run.create() }
    #expect(failure?.exitCode == .cannotCreate)
  }
}
