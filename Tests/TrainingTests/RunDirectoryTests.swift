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

  /// By their numbers, since names of more than eight digits are not in the order of the alphabet.
  @Test func theCheckpointsAreThoseThatTheProgramNames() throws {
    try run.create()
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
  func whatIsOfValueIs(_ name: String) throws {
    try run.create()
    try write("{}\n", name)
    let failure = #expect(throws: Failure.self) { try run.create() }
    #expect(failure?.exitCode == .cannotCreate)
  }
}
