import Foundation
import Safetensors
import TestSupport
import Testing

/// What `alexnet import` does with options and lists of classes that are not as they should be.
@Suite struct ImportCommandTests {
  private let scratch: TemporaryFolder
  /// Weights of a network of one layer, and its description.
  private let (file, network): (String, String)

  init() throws {
    scratch = TemporaryFolder()
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

  @Test func emptyRepeatedAndBrokenClassNamesAreRefused() throws {
    let empty = try importing(
      file, "--network", network, "--classes", try list("cat\n \ncow\n"))
    #expect(empty.code == 65 && empty.error.contains("Line 2 of"), "\(empty.error)")
    let equal = try importing(
      file, "--network", network, "--classes", try list("crane\ncat\ncrane\n"))
    #expect(
      equal.code == 0 && equal.error.contains("classes 0 and 2 are both called 'crane'"),
      "\(equal.error)")
    try FileManager.default.removeItem(atPath: scratch.path + "/checkpoint.safetensors")
    let broken = try importing(
      file, "--network", network, "--classes", try list("crane\ncat\nco\0w\n"))
    #expect(
      broken.code == 65 && broken.error.contains("classes.txt")
        && broken.error.contains("line 3 of it contains NUL bytes"), "\(broken.error)")
    // As ImageNet's names are often handed on.
    for text in ["{0: 'cat, grey',\n 1: 'dog',\n 2: 'cow'}", "[\"cat\",\n\"dog\",\n\"cow\"]"] {
      let other = try importing(file, "--network", network, "--classes", try list(text))
      #expect(
        other.code == 65 && other.error.contains("names by their numbers make one with: python3"),
        "\(other.error)")
    }
    #expect(!FileManager.default.fileExists(atPath: scratch.path + "/checkpoint.safetensors"))
  }

  /// Neither by its name, nor by a link or a second name.
  @Test func filesThatAreReadAreNotReplaced() throws {
    let before = try Data(contentsOf: URL(fileURLWithPath: file))
    let (link, second) = (scratch.path + "/link.safetensors", scratch.path + "/two.safetensors")
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: file)
    try FileManager.default.linkItem(atPath: file, toPath: second)
    for out in [file, link, second] {
      let outcome = try Program.alexnet("import", file, "--network", network, "--out", out)
      #expect(
        outcome.code == 64 && outcome.error.contains("which is read"), "\(out): \(outcome.error)")
      #expect(try Data(contentsOf: URL(fileURLWithPath: file)) == before, "\(out)")
    }
    #expect(try importing(file, "--network", network).code == 0)
    let own = scratch.path + "/checkpoint.safetensors"
    let exported = try Program.alexnet("export", own, "--format", "safetensors", "--out", own)
    #expect(
      exported.code == 64 && exported.error.contains("which is read"),
      "\(exported.error)")
  }

  @Test func aCheckpointsNameHasItsEnding() throws {
    for name in ["checkpoint.onnx", "checkpoint", "checkpoint.safetensors.bak"] {
      let out = scratch.path + "/" + name
      let outcome = try Program.alexnet("import", file, "--network", network, "--out", out)
      #expect(outcome.code == 64 && outcome.error.contains("ends in .safetensors"))
      #expect(!FileManager.default.fileExists(atPath: out))
    }
    // A device has no ending.
    let nowhere = try Program.alexnet(
      "import", file, "--network", network, "--out", "/dev/null")
    #expect(nowhere.code == 0, "\(nowhere.error)")
  }

  /// 0.485 and so on, as PyTorch has them: times 255 they are 123.675, 116.28 and 103.53.
  @Test func aMeanFrom0To1IsRefusedWherePixelsAreScaledToo() throws {
    let scale = ["--scale", "0.00392156862745098"]
    for (mean, options, isRefused) in [
      ("0.485,0.456,0.406", scale, true), ("123.675,116.28,103.53", scale, false),
      ("0.485,0.456,0.406", [], false), ("0,0,0", scale, false),
    ] as [(String, [String], Bool)] {
      let outcome = try Program.alexnet(
        ranks: nil,
        ["import", file, "--network", network, "--mean", mean] + options
          + ["--out", scratch.path + "/checkpoint.safetensors"])
      #expect(outcome.code == (isRefused ? 64 : 0), "\(mean) \(options): \(outcome.error)")
      #expect(
        outcome.error.contains("give --mean 123.675,116.28,103.53.") == isRefused,
        "\(mean) \(options): \(outcome.error)")
    }
  }

  @Test func theOrderOfAMeanImagesMapsIsSaidWhereItIsInDoubt() throws {
    let path = try scratch.write(
      CaffeFiles.blob([3, 4, 4], (0..<48).map { Float($0) }), "mean.binaryproto")
    for order in ["RGB", "BGR"] {
      let outcome = try importing(
        file, "--network", network, "--mean", path, "--channel-order", order)
      #expect(outcome.code == 0, "\(outcome.error)")
      #expect(outcome.output.contains("taken for B, G and R") == (order == "RGB"), "\(order)")
    }
  }

  @Test func theSizeOfPicturesMayBeGiven() throws {
    let path = try scratch.write(
      CaffeFiles.blob([3, 8, 8], (0..<192).map { Float($0) }), "mean.binaryproto")
    let refused = try importing(file, "--network", network, "--mean", path)
    #expect(
      refused.code == 65 && refused.error.contains("give --image-side 8."), "\(refused.error)")
    let outcome = try importing(file, "--network", network, "--mean", path, "--image-side", "8")
    #expect(outcome.code == 0, "\(outcome.error)")
    #expect(outcome.output.contains("crops of 4 of 8 pixels"), "\(outcome.output)")
  }

  /// The command says what to do, and does it.
  @Test func tensorsAreLeftOutOnlyWhereTheUserSaysSo() throws {
    let more = scratch.path + "/more.safetensors"
    try SafetensorsWriter.create(
      more,
      SafetensorsHeader(
        metadata: [:],
        tensors: [
          ("f.weight", .float32, [3, 48]), ("f.bias", .float32, [3]), ("bn.weight", .float32, [3]),
          ("bn.running_mean", .float32, [3]),
        ]))
    let refused = try importing(more, "--network", network)
    #expect(
      refused.code == 65 && refused.error.contains("'bn.weight'")
        && refused.error.contains("--leave-out bn."), "\(refused.error)")
    let left = try importing(more, "--network", network, "--leave-out", "bn")
    #expect(left.code == 0 && left.error.contains("does not use"), "\(left.error)")
    let unknown = try importing(more, "--network", network, "--leave-out", "norm")
    #expect(unknown.code == 64, "\(unknown.error)")
  }

  @Test func optionsThatHaveNoEffectOnOurOwnFilesAreRefused() throws {
    #expect(try importing(file, "--network", network).code == 0)
    let own = scratch.path + "/checkpoint.safetensors"
    for words in [["--variant", "tanh"], ["--recipe", "code2012"], ["--image-side", "8"]] {
      let outcome = try Program.alexnet(
        ranks: nil, ["import", own] + words + ["--out", scratch.path + "/again.safetensors"])
      #expect(
        outcome.code == 64 && outcome.error.contains("leave out \(words[0])"), "\(outcome.error)")
    }
    let layer = try importing(file, "--network", network, "--layer", "f8=f")
    #expect(layer.code == 64 && layer.error.contains("no layer 'f8'"), "\(layer.error)")
  }
}
