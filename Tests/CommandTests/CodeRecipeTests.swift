import Foundation
import Safetensors
import TestSupport
import Testing

/// Runs of the recipe `code2012` across the epochs in which conv1 slows down and stands still: a
/// batch is all 60 images, so an epoch is a step.
@Suite(.serialized) struct CodeRecipeTests {
  private let scratch: TemporaryFolder
  private let network: String

  init() throws {
    scratch = TemporaryFolder()
    network = scratch.path + "/small.json"
    try Self.description(conv1: "conv1").write(toFile: network, atomically: true, encoding: .utf8)
  }

  private static func description(conv1: String) -> String {
    """
    { "name": "small", "towers": 2, "inputSide": 28, "imageSide": 32, "classes": 10, "layers": [
      { "type": "convolution", "name": "\(conv1)", "kernels": 4, "size": 5, "stride": 4 },
      { "type": "relu", "name": "relu1" },
      { "type": "convolution", "name": "conv2", "kernels": 6, "size": 3, "reads": "all" },
      { "type": "relu", "name": "relu2" },
      { "type": "fullyConnected", "name": "fc", "kernels": 10 } ] }
    """
  }

  private func train(
    ranks: Int?, out: String, steps: Int, recipe: String = "code2012", _ arguments: [String] = []
  ) throws -> Outcome {
    try Program.train(
      ranks: ranks,
      [
        "--data", try Pictures.tiny.get().path + "/dataset", "--out", "\(scratch.path)/\(out)",
        "--threads", ranks == 2 ? "1" : "2", "--network", network, "--recipe", recipe,
        "--batch-size", "60", "--max-steps", "\(steps)", "--validate-every", "1000",
      ] + arguments)
  }

  private func tensor(_ name: String, of run: String, step: Int) throws -> [UInt32] {
    try SafetensorsFile(
      opening: "\(scratch.path)/\(run)/checkpoints/step-000000\(step).safetensors"
    ).bits(name)
  }

  @Test func conv1IsFrozenFromEpoch72OnInOneProcessOnTwoRanksAndAfterResuming() throws {
    let one = try train(ranks: nil, out: "one", steps: 75)
    #expect(one.code == 0, "\(one.error)")
    let two = try train(ranks: 2, out: "two", steps: 75)
    #expect(two.code == 0, "\(two.error)")
    // Stopped before the colour noise ends, and again after conv1's rate has become a tenth.
    let each = ["--checkpoint-every", "1", "--keep", "10", "--resume"]
    for (steps, more) in [(66, []), (70, ["--resume"]), (75, each)] as [(Int, [String])] {
      let part = try train(ranks: 2, out: "parts", steps: steps, more)
      #expect(part.code == 0, "\(part.error)")
    }
    for name in ["conv1.weight", "conv1.bias"] {
      let values = try (70...75).map { try tensor(name, of: "parts", step: $0) }
      // Step 71 changes it, and none from 72 on.
      #expect(values[0] != values[1], "\(name)")
      #expect(values[1...].allSatisfy { $0 == values[1] }, "\(name)")
      #expect(try tensor("velocity.\(name)", of: "parts", step: 72).allSatisfy { $0 == 0 })
    }
    #expect(
      try tensor("conv2.weight", of: "parts", step: 74)
        != tensor("conv2.weight", of: "parts", step: 75))
    let losses = try ["one", "two", "parts"].map { try RunRecords("\(scratch.path)/\($0)").losses }
    #expect(losses[0].count == 75 && losses[0] == losses[1] && losses[1] == losses[2])
    for name in ["conv1.weight", "conv2.weight", "conv2.bias", "fc.weight", "velocity.fc.weight"] {
      let last = try ["one", "two", "parts"].map { try tensor(name, of: $0, step: 75) }
      #expect(last[0] == last[1] && last[1] == last[2], "\(name)")
    }
    for part in [
      "The recipe is code2012: learning rate 0.01, divided by 10 at the start of epochs 25, 51 and "
        + "79",
      "Epoch 25 begins: the learning rate is divided by 10.",
      "Epoch 67 begins: conv1's weights learn at 0.1 of the rate, its biases learn as the others "
        + "do; colour noise ends.",
      "Epoch 72 begins: conv1's weights and biases do not change.", "epochs done 75.00",
    ] {
      #expect(two.output.contains(part), "'\(part)' in: \(two.output)")
    }
    let other = try train(ranks: 2, out: "two", steps: 76, recipe: "paper", ["--resume"])
    #expect(
      other.code == 64 && other.error.contains("the schedule of layer 'conv1'"), "\(other.error)")
  }

  @Test func aNetworkWithoutConv1IsTrainedWithoutItsScheduleWithANote() throws {
    try Self.description(conv1: "c1").write(toFile: network, atomically: true, encoding: .utf8)
    let outcome = try train(ranks: nil, out: "run", steps: 2)
    #expect(outcome.code == 0, "\(outcome.error)")
    #expect(
      outcome.output.contains(
        "The network has no layer 'conv1', so the schedule that code2012 has for it is left out."))
    #expect(!outcome.output.contains("conv1:"))
    let config = try String(contentsOfFile: scratch.path + "/run/config.json", encoding: .utf8)
    #expect(!config.contains("layerRates"))
  }

  @Test func theFourLayerNetworkUsesFigure1sRecipeUnlessOptionsOverrideIt() throws {
    let words = ["--network", "cifar-four-layer", "--dry-run", "--verbose", "--classes", "10"]
    let plain = try Program.train(ranks: nil, words)
    #expect(plain.code == 0, "\(plain.error)")
    for part in [
      "cifar-four-layer is trained with learning rate 0.001, no weight decay and no augmentation",
      "\"learningRate\" : 0.001", "\"weightDecay\" : 0", "\"crop\" : \"centre\"",
    ] {
      #expect(plain.output.contains(part), "'\(part)' in: \(plain.output)")
    }
    let given = try Program.train(
      ranks: nil,
      words + [
        "--learning-rate", "0.01", "--weight-decay", "0.004", "--augmentation",
        "crop,mirror,colour", "--variant", "tanh",
      ])
    #expect(given.code == 0, "\(given.error)")
    for part in [
      "\"learningRate\" : 0.01", "\"weightDecay\" : 0.004", "\"crop\" : \"random\"",
      "\"colourNoise\" : 0.1",
    ] {
      #expect(given.output.contains(part), "'\(part)' in: \(given.output)")
    }
    let both = try Program.train(
      ranks: nil, words + ["--augmentation", "crop", "--no-augmentation"])
    #expect(both.code == 64 && both.error.contains("contradict"), "\(both.error)")
  }
}
