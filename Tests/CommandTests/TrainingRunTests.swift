import Foundation
import TestSupport
import Testing

/// Whole runs of `alexnet-train`, compared with each other.
@Suite(.serialized) struct TrainingRunTests {
  private let scratch = TemporaryFolder()

  private func metrics(_ run: String) throws -> RunRecords { try RunRecords(run) }

  private func train(
    ranks: Int?, _ dataset: TemporaryFolder, out: String, _ arguments: [String]
  ) throws -> String {
    let run = "\(scratch.path)/\(out)"
    let options = [
      "--data", dataset.path + "/dataset", "--out", run, "--threads", ranks == 2 ? "1" : "2",
    ]
    let outcome = try Program.train(ranks: ranks, options + arguments)
    #expect(outcome.code == 0, "\(outcome.error)")
    return run
  }

  private func lastCheckpoint(_ run: String) throws -> Data {
    let names = try FileManager.default.contentsOfDirectory(atPath: "\(run)/checkpoints").sorted()
    let name = try #require(names.last)
    return try ComparedCheckpoint.contents("\(run)/checkpoints/\(name)")
  }

  @Test func fullSizeAlexNetIsBitIdenticalInOneProcessAndOnTwoRanks() throws {
    let dataset = try Pictures.large.get()
    let options = [
      "--batch-size", "16", "--learning-rate", "0.001", "--max-steps", "5", "--seed", "3",
    ]
    let one = try train(ranks: nil, dataset, out: "one", options)
    let two = try train(ranks: 2, dataset, out: "two", options)
    let (first, second) = (try metrics(one), try metrics(two))
    #expect(first.losses.count == 5)
    #expect(first.losses == second.losses)
    #expect(
      try lastCheckpoint(one) == lastCheckpoint(two), "weights, velocities and state are equal")
  }

  private let smallOptions = [
    "--network", "cifar-four-layer", "--batch-size", "32", "--learning-rate", "0.001", "--seed",
    "7",
  ]

  @Test func repeatingARunGivesTheSameResult() throws {
    let dataset = try Pictures.small.get()
    let options = smallOptions + ["--max-steps", "25"]
    let first = try train(ranks: 2, dataset, out: "first", options)
    let second = try train(ranks: 2, dataset, out: "second", options)
    #expect(try metrics(first).losses == metrics(second).losses)
    #expect(try lastCheckpoint(first) == lastCheckpoint(second))
    let other = try train(
      ranks: 2, dataset, out: "other", smallOptions.dropLast() + ["8", "--max-steps", "25"])
    #expect(try metrics(first).losses != metrics(other).losses)
  }

  @Test func aResumedRunIsBitIdenticalToAnUninterruptedOne() throws {
    let dataset = try Pictures.small.get()
    // 18.75 steps an epoch: the stop lies within the second epoch.
    let whole = try train(ranks: 2, dataset, out: "whole", smallOptions + ["--max-steps", "45"])
    let parts = try train(ranks: 2, dataset, out: "parts", smallOptions + ["--max-steps", "28"])
    _ = try train(
      ranks: 2, dataset, out: "parts", smallOptions + ["--max-steps", "45", "--resume"])
    let (first, second) = (try metrics(whole), try metrics(parts))
    #expect(first.losses.count == 45)
    #expect(first.losses == second.losses)
  }

  @Test func theFourLayerNetworkLearnsFashionMNIST() throws {
    let dataset = try Pictures.small.get()
    let run = try train(
      ranks: 2, dataset, out: "learns", smallOptions + ["--epochs", "12", "--no-augmentation"])
    let result = try metrics(run)
    let top1 = try #require(result.top1)
    let top5 = try #require(result.top5)
    #expect(top1 < 60, "chance is 90 %")
    #expect(top5 < top1)
  }

  @Test(arguments: ["tanh", "one-tower"]) func variantsOfTheFourLayerNetworkTrain(variant: String)
    throws
  {
    let dataset = try Pictures.small.get()
    let run = try train(
      ranks: variant == "one-tower" ? nil : 2, dataset, out: variant,
      smallOptions + ["--max-steps", "5", "--variant", variant])
    let losses = try metrics(run).losses
    #expect(losses.count == 5)
    // Ten classes are about equally probable at first, and five small steps change little.
    #expect(losses.allSatisfy { abs($0 - log(10)) < 0.02 }, "\(losses)")
  }

  @Test func aNetworkFromAJSONDescriptionTrains() throws {
    let dataset = try Pictures.small.get()
    let file = scratch.path + "/mine.json"
    try """
    { "name": "mine", "towers": 2, "inputSide": 28, "imageSide": 32, "classes": 10, "layers": [
      { "type": "convolution", "name": "c1", "kernels": 9, "size": 5, "stride": 2, "weightDeviation": 0.01 },
      { "type": "relu", "name": "r1" },
      { "type": "responseNormalization", "name": "n1", "size": 3 },
      { "type": "convolution", "name": "c2", "kernels": 7, "size": 3, "padding": 1, "reads": "all" },
      { "type": "tanh", "name": "t2" },
      { "type": "maxPooling", "name": "p2", "size": 3, "stride": 2 },
      { "type": "dropout", "name": "d2", "probability": 0.3 },
      { "type": "fullyConnected", "name": "out", "kernels": 10 } ] }
    """.write(toFile: file, atomically: true, encoding: .utf8)
    let options = [
      "--network", file, "--batch-size", "20", "--max-steps", "12", "--learning-rate", "0.001",
    ]
    let one = try train(ranks: nil, dataset, out: "mine-one", options)
    let two = try train(ranks: 2, dataset, out: "mine-two", options)
    #expect(try metrics(one).losses == metrics(two).losses)
    #expect(try lastCheckpoint(one) == lastCheckpoint(two))
  }
}
