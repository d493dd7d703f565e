import Foundation
import Safetensors
import Testing

/// What `alexnet import` does with options and lists of classes that are not as they should be.
@Suite struct ImportCommandTests {
  private let scratch: ScratchFolder
  /// Weights of a network of one layer, and its description.
  private let (file, network): (String, String)

  init() throws {
    scratch = try ScratchFolder()
    (file, network) = (scratch.path + "/weights.safetensors", scratch.path + "/network.json")
    try SafetensorsWriter.create(
      file,
      SafetensorsHeader(
        metadata: [:], tensors: [("f.weight", .float32, [3, 48]), ("f.bias", .float32, [3])]))
    try """
    { "name": "one", "towers": 1, "inputSide": 4, "imageSide": 4, "classes": 3,
      "layers": [ { "type": "fullyConnected", "name": "f", "kernels": 3 } ] }
    """.write(toFile: network, atomically: true, encoding: .utf8)
  }

  private func importing(_ words: String...) throws -> Outcome {
    try Program.alexnet(
      ranks: nil, ["import"] + words + ["--out", scratch.path + "/checkpoint.safetensors"])
  }

  private func list(_ text: String) throws -> String {
    let path = scratch.path + "/classes.txt"
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    return path
  }

  @Test func classNamesAreTheLinesWithoutAByteOrderMark() throws {
    let outcome = try importing(
      file, "--network", network, "--classes", try list("\u{FEFF}cat\r\ndog\r\ncow\r\n\r\n"))
    #expect(outcome.code == 0 && !outcome.error.contains("Warning"), "\(outcome.error)")
    let checkpoint = try SafetensorsFile(opening: scratch.path + "/checkpoint.safetensors")
    #expect(checkpoint.header.metadata["classes"] == #"["cat","dog","cow"]"#)
  }

  @Test func emptyClassNamesAreRefusedAndRepeatedOnesReported() throws {
    let empty = try importing(
      file, "--network", network, "--classes", try list("cat\n \ncow\n"))
    #expect(empty.code == 65 && empty.error.contains("Line 2 of"), "\(empty.error)")
    let equal = try importing(
      file, "--network", network, "--classes", try list("crane\ncat\ncrane\n"))
    #expect(
      equal.code == 0 && equal.error.contains("classes 0 and 2 are both called 'crane'"),
      "\(equal.error)")
  }

  @Test func optionsThatHaveNoEffectOnOurOwnFilesAreRefused() throws {
    #expect(try importing(file, "--network", network).code == 0)
    let own = scratch.path + "/checkpoint.safetensors"
    for words in [["--variant", "tanh"], ["--recipe", "code2012"]] {
      let outcome = try Program.alexnet(
        ranks: nil, ["import", own] + words + ["--out", scratch.path + "/again.safetensors"])
      #expect(
        outcome.code == 64 && outcome.error.contains("leave out \(words[0])"), "\(outcome.error)")
    }
    let layer = try importing(file, "--network", network, "--layer", "f8=f")
    #expect(layer.code == 64 && layer.error.contains("no layer 'f8'"), "\(layer.error)")
  }
}
