import Foundation
import Safetensors
import TestSupport
import Testing

/// Runs that begin with the weights of another one.
@Suite(.serialized) struct FineTuningTests {
  private let scratch = TemporaryFolder()

  private func train(
    ranks: Int?, out: String, _ arguments: [String]
  ) throws -> Outcome {
    let options = [
      "--data", try Pictures.small.get().path + "/dataset", "--out", "\(scratch.path)/\(out)",
      "--threads", ranks == 2 ? "1" : "2", "--batch-size", "20", "--learning-rate", "0.001",
    ]
    return try Program.train(ranks: ranks, options + arguments)
  }

  /// A run to begin with.
  private func pretrained() throws -> String {
    let outcome = try train(
      ranks: 2, out: "first", ["--network", "cifar-four-layer", "--max-steps", "4"])
    #expect(outcome.code == 0, "\(outcome.error)")
    return "\(scratch.path)/first"
  }

  /// The numbers of a tensor in a run's newest checkpoint.
  private func tensor(_ name: String, of run: String) throws -> [UInt32] {
    let names = try FileManager.default.contentsOfDirectory(atPath: "\(run)/checkpoints").sorted()
    let newest = try #require(names.last { $0.hasSuffix(".safetensors") })
    return try SafetensorsFile(opening: "\(run)/checkpoints/\(newest)").bits(name)
  }

  @Test func frozenLayersStayBitIdenticalAndResetLayersGetInitialValues() throws {
    let first = try pretrained()
    let options = [
      "--init-from", first, "--reset", "fc10", "--freeze", "conv1", "--learning-rate-scale",
      "conv2=0.1", "--max-steps", "3", "--seed", "9",
    ]
    for (ranks, name) in [(2, "two"), (nil, "one")] as [(Int?, String)] {
      let outcome = try train(ranks: ranks, out: name, options)
      #expect(outcome.code == 0, "\(outcome.error)")
    }
    let second = "\(scratch.path)/two"
    for part in ["weight", "bias"] {
      #expect(try tensor("conv1.\(part)", of: second) == tensor("conv1.\(part)", of: first))
      for name in ["conv2", "conv3", "fc10"] {
        #expect(
          try tensor("\(name).\(part)", of: second) != tensor("\(name).\(part)", of: first))
      }
    }
    // The same with all kernels in one process.
    for name in ["conv1.weight", "conv2.weight", "conv3.bias", "fc10.weight"] {
      #expect(
        try tensor(name, of: second) == tensor(name, of: "\(scratch.path)/one"), "\(name)")
    }
    // After no step at all every layer is as it was, but for the one that was reset.
    let none = try train(
      ranks: 2, out: "none",
      ["--init-from", first, "--reset", "fc10", "--max-steps", "0", "--seed", "9"])
    #expect(none.code == 0, "\(none.error)")
    let start = "\(scratch.path)/none"
    #expect(try tensor("conv3.weight", of: start) == tensor("conv3.weight", of: first))
    #expect(try tensor("fc10.weight", of: start) != tensor("fc10.weight", of: first))
    #expect(try tensor("fc10.bias", of: start).allSatisfy { $0 == 0 })

    // The settings are kept, and a run goes on with no others.
    let config = try String(contentsOfFile: second + "/config.json", encoding: .utf8)
    #expect(config.contains("\"conv1\" : 0") && config.contains("\"conv2\" : 0.1"))
    let other = try train(
      ranks: 2, out: "two",
      options.map { $0 == "conv2=0.1" ? "conv2=0.2" : $0 } + ["--resume"])
    #expect(other.code == 64 && other.error.contains("learning rates"), "\(other.error)")
    let same = try train(
      ranks: 2, out: "two", options.map { $0 == "3" ? "5" : $0 } + ["--resume"])
    #expect(same.code == 0, "\(same.error)")
    #expect(try tensor("conv1.weight", of: second) == tensor("conv1.weight", of: first))
  }

  @Test func mismatchedWeightsAreRefusedByName() throws {
    let first = try pretrained()
    let described = scratch.path + "/other.json"
    try """
    { "name": "other", "towers": 2, "inputSide": 32, "imageSide": 32, "classes": 10, "layers": [
      { "type": "convolution", "name": "conv1", "kernels": 16, "size": 5, "padding": 2 },
      { "type": "fullyConnected", "name": "fc10", "kernels": 10 } ] }
    """.write(toFile: described, atomically: true, encoding: .utf8)
    let cases: [(arguments: [String], code: Int32, says: [String])] = [
      (
        ["--init-from", first, "--network", described], 65,
        ["'conv1.weight'", "[32, 3, 5, 5]", "[16, 3, 5, 5]", "--reset conv1"]
      ),
      (["--init-from", first, "--freeze", "conv9"], 64, ["'conv9'", "conv1, conv2, conv3, fc10"]),
      (["--init-from", first, "--freeze", "conv,fc"], 64, ["is frozen"]),
      (["--init-from", first, "--reset", "relu1"], 64, ["'relu1'"]),
      (["--init-from", first, "--learning-rate-scale", "conv=-1"], 64, ["'conv=-1'", "conv=0.1"]),
      (["--network", "cifar-four-layer", "--reset", "fc10"], 64, ["--init-from"]),
      (["--init-from", "/nowhere/run"], 66, ["/nowhere/run"]),
      (["--init-from", described], 64, [".safetensors, .npz, .caffemodel"]),
    ]
    for (number, (arguments, code, says)) in cases.enumerated() {
      let outcome = try train(ranks: 2, out: "case-\(number)", arguments + ["--max-steps", "1"])
      #expect(outcome.code == code, "\(outcome.error)")
      for part in says { #expect(outcome.error.contains(part), "'\(part)' in: \(outcome.error)") }
    }
  }

  /// Weights have learnt to see pictures in one way, which a network that is named may not
  /// contradict.
  @Test func picturesAreReadAsTheWeightsFileSays() throws {
    let first = try pretrained()
    let config = try String(contentsOfFile: first + "/config.json", encoding: .utf8)
    let settings = try #require(
      JSONSerialization.jsonObject(with: Data(config.utf8)) as? [String: Any])
    func describe(_ name: String, _ change: (inout [String: Any]) -> Void) throws -> String {
      var network = try #require(settings["network"] as? [String: Any])
      change(&network)
      let path = "\(scratch.path)/\(name).json"
      try JSONSerialization.data(withJSONObject: network).write(to: URL(fileURLWithPath: path))
      return path
    }
    let bgr = try describe("bgr") { $0["preprocessing"] = ["channelOrder": "BGR"] }
    let scaled = try describe("scaled") { $0["preprocessing"] = ["scale": 1.0 / 255] }
    let larger = try describe("larger") { $0["imageSide"] = 40 }
    let exported = scratch.path + "/exported.safetensors"
    #expect(
      try Program.alexnet("export", first, "--format", "safetensors", "--out", exported).code == 0)
    for (network, says) in [
      (bgr, "colours in the order RGB"), (scaled, "the factors 1, 1, 1"), (larger, "40"),
    ] {
      if network != larger {
        let outcome = try train(
          ranks: nil, out: "refused",
          ["--init-from", first, "--network", network, "--max-steps", "0"])
        #expect(outcome.code == 64 && outcome.error.contains(says), "\(outcome.error)")
      }
      let imported = try Program.alexnet(
        "import", exported, "--network", network, "--out", scratch.path + "/again.safetensors")
      #expect(imported.code == 64 && imported.error.contains(says), "\(imported.error)")
    }
    // A network that says nothing takes the file's way, in its description too.
    let other = try train(
      ranks: nil, out: "bgr", ["--network", bgr, "--max-steps", "0"])
    #expect(other.code == 0, "\(other.error)")
    let outcome = try train(
      ranks: nil, out: "taken",
      [
        "--init-from", scratch.path + "/bgr", "--network", "cifar-four-layer", "--max-steps", "0",
      ])
    #expect(outcome.code == 0 && outcome.output.contains("': BGR, "), "\(outcome.output)")
    let file = try SafetensorsFile(
      opening: scratch.path + "/taken/checkpoints/latest.safetensors")
    for text in ["network", "preprocessing"] {
      #expect(file.header.metadata[text]?.contains("BGR") == true, "\(text)")
    }
  }
}
