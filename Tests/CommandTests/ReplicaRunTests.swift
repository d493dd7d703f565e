import Foundation
import Safetensors
import Synchronization
import TestSupport
import Testing

/// Runs on several replicas, which train as two ranks do.
@Suite(.serialized) struct ReplicaRunTests {
  private let scratch: TemporaryFolder
  private let network: String

  init() throws {
    scratch = TemporaryFolder()
    network = scratch.path + "/small.json"
    // Cross-connections, dropout, and layers enough for either scheme, with an odd number of
    // neurons.
    try """
    { "name": "small", "towers": 2, "inputSide": 28, "imageSide": 32, "classes": 10, "layers": [
      { "type": "convolution", "name": "c1", "kernels": 16, "size": 5, "stride": 2, "weightDeviation": 0.02 },
      { "type": "relu", "name": "r1" },
      { "type": "responseNormalization", "name": "n1", "size": 3 },
      { "type": "convolution", "name": "c2", "kernels": 16, "size": 3, "padding": 1, "reads": "all",
        "weightDeviation": 0.05 },
      { "type": "relu", "name": "r2" },
      { "type": "maxPooling", "name": "p2", "size": 3, "stride": 2 },
      { "type": "fullyConnected", "name": "f3", "kernels": 49, "weightDeviation": 0.05, "bias": 0.1 },
      { "type": "relu", "name": "r3" },
      { "type": "dropout", "name": "d3", "probability": 0.5 },
      { "type": "fullyConnected", "name": "out", "kernels": 10, "weightDeviation": 0.05 } ] }
    """.write(toFile: network, atomically: true, encoding: .utf8)
  }

  /// Trains with augmentation and dropout, 33 images a batch, which no number of replicas divides.
  private func train(
    _ ranks: Int?, _ name: String, _ options: [String], seed: Int = 3, code: Int32 = 0
  ) throws -> String {
    let run = "\(scratch.path)/\(name)"
    let outcome = try Program.train(
      ranks: ranks,
      [
        "--data", try Pictures.small.get().path + "/dataset", "--out", run, "--network", network,
        "--batch-size", "33", "--learning-rate", "0.002", "--threads", "1",
        // With some seeds (2 among them) a sum that is rounded otherwise decides between two
        // numbers of a pool.
        "--seed", String(seed),
      ] + options)
    #expect(outcome.code == code, "\(outcome.error)")
    return run
  }

  /// Infinite where a step is missing, or a loss is no number.
  private func largestDifference(_ a: [Double], _ b: [Double]) -> Double {
    let differences = zip(a, b).map { abs($0 / $1 - 1) }
    guard a.count == b.count, differences.allSatisfy(\.isFinite) else { return .infinity }
    return differences.max() ?? .infinity
  }

  @Test(arguments: [("data", 4), ("model", 4), ("model", 8), ("data", 8), ("groups=2", 8)])
  func replicasGiveTheSameLossesAsTwoRanks(scheme: String, ranks: Int) throws {
    let options = ["--max-steps", "20", "--validate-every", "10"]
    let two = try RunRecords(train(2, "two", options))
    let many = try RunRecords(
      train(ranks, "many", options + ["--parallel-fc", scheme, "--check-replicas", "5"]))
    #expect(two.losses.count == 20 && many.losses.count == 20)
    #expect(largestDifference(many.losses, two.losses) < 1e-3)
    #expect(many.top1 == two.top1 && many.top5 == two.top5)
    // The layers look the same, however they are cut.
    #expect(many.health.map(\.name) == ["c1", "c2", "f3", "out"])
    for (a, b) in zip(many.health, two.health) {
      #expect(Set(a.figures.keys) == Set(b.figures.keys))
      for (key, value) in b.figures {
        #expect(abs((a.figures[key] ?? .nan) - value) <= 0.02 * abs(value), "\(b.name) \(key)")
      }
    }
  }

  @Test func threeRanksWithBothTowersEachGiveTheSameLosses() throws {
    let options = ["--max-steps", "12"]
    let one = try RunRecords(train(nil, "one", options))
    let three = try RunRecords(train(3, "three", options + ["--towers-per-rank", "2"]))
    #expect(largestDifference(three.losses, one.losses) < 1e-3)
  }

  /// The same samples in the same order: another image in one batch would move its loss by a
  /// percent or more.
  @Test(arguments: [
    (("data", 4), 2, ("model", 4)), (("groups=2", 8), 2, ("data", 4)),
    (("model", 4), nil, ("data", 4)),
  ])
  func aRunResumesWithAnotherNumberOfRanksAndScheme(
    start: (scheme: String, ranks: Int), between: Int?, end: (scheme: String, ranks: Int)
  ) throws {
    let whole = try train(2, "whole", ["--max-steps", "16"])
    let parts = try train(
      start.ranks, "parts", ["--max-steps", "8", "--parallel-fc", start.scheme])
    _ = try train(between, "parts", ["--max-steps", "12", "--resume"])
    _ = try train(
      end.ranks, "parts", ["--max-steps", "16", "--resume", "--parallel-fc", end.scheme])
    let (first, second) = (try RunRecords(whole), try RunRecords(parts))
    #expect(second.losses.count == 16)
    #expect(largestDifference(second.losses, first.losses) < 1e-3)
    #expect(first.trainingErrors == second.trainingErrors)
    let (expected, found) = (try weights(whole), try weights(parts))
    #expect(expected.count == found.count && !expected.isEmpty)
    for (name, values) in expected {
      let others = try #require(found[name])
      #expect((values + others).allSatisfy(\.isFinite) && values.count == others.count, "\(name)")
      let scale = values.reduce(0) { max($0, abs($1)) }
      #expect(zip(values, others).allSatisfy { abs($0 - $1) <= 1e-3 * scale }, "\(name)")
    }
  }

  private func latest(_ run: String) -> String { run + "/checkpoints/latest.safetensors" }

  /// Every tensor of a run's newest checkpoint.
  private func weights(_ run: String) throws -> [String: [Float]] {
    let file = try SafetensorsFile(opening: latest(run))
    var weights: [String: [Float]] = [:]
    for entry in file.header.tensors {
      weights[entry.name] = try file.elements(of: entry)
    }
    return weights
  }

  private static let undisturbed = Mutex<[String: Data]>([:])

  /// Stopped or killed anywhere, replicas go on as if nothing had been: crops, mirrors and colours,
  /// dropout, and batches that had been read ahead included.
  @Test(arguments: [
    ("data", "usr1,rank=1,step=3,phase=reading"), ("model", "usr1,rank=2,step=8,phase=validation"),
    ("model", "usr1,rank=3,step=6,phase=update"), ("data", "kill,rank=3,step=7,phase=backward"),
    ("model", "kill,rank=0,step=5,phase=saving"), ("data", "kill,rank=2,step=8,phase=validation"),
  ])
  func resumedReplicasAreBitIdentical(scheme: String, fault: String) throws {
    let options = [
      "--max-steps", "12", "--validate-every", "4", "--checkpoint-every", "5", "--parallel-fc",
      scheme,
    ]
    let whole: Data
    if let known = Self.undisturbed.withLock({ $0[scheme] }) {
      whole = known
    } else {
      whole = try ComparedCheckpoint.contents(latest(train(4, "whole", options)))
      Self.undisturbed.withLock { $0[scheme] = whole }
    }
    let code: Int32 = fault.hasPrefix("kill") ? 137 : 75
    _ = try train(4, "parts", options + ["--inject", fault], code: code)
    let run = try train(4, "parts", options + ["--resume", "auto"])
    #expect(try ComparedCheckpoint.contents(latest(run)) == whole)
    #expect(try RunRecords(run).losses.count == 12)
  }

  /// Each replica writes a part of a checkpoint, so one of replicas that have drifted apart would
  /// be of none of them.
  @Test(arguments: [("usr1", 100), ("usr2", 100), ("", 6)])
  func replicasWithDifferentWeightsAreNeverSaved(signal: String, steps: Int) throws {
    let fault =
      signal.isEmpty ? [] : ["--inject", "\(signal),rank=1,step=5,phase=reading"]
    let run = try train(
      4, "drifted\(signal)",
      [
        "--max-steps", "\(steps)", "--validate-every", "1000", "--checkpoint-every", "3",
        "--check-replicas", "1000000000", "--inject", "turn,rank=2,step=4",
        // With seed 3 the update that follows rounds the turned bit away again.
      ] + fault, seed: 2, code: 76)
    let names = try FileManager.default.contentsOfDirectory(atPath: run + "/checkpoints")
    #expect(names.sorted() == ["latest.safetensors", "step-00000003.safetensors"])
  }

  @Test func theSchemeThatSendsFewestBytesIsChosenAndReported() throws {
    let outcome = try Program.train(
      ranks: 4, ["--dry-run", "--classes", "1000", "--batch-size", "128"])
    #expect(
      outcome.code == 0 && outcome.output.contains("2 replicas, fully-connected layers by model"))
    #expect(outcome.output.contains("before fc6: 3538944 forward, 3538944 backward"))
  }

  @Test func impossibleNumbersOfRanksAreRefused() throws {
    let outcome = try Program.train(ranks: 5, ["--dry-run"])
    #expect(outcome.code == 64)
    #expect(outcome.error.contains("-np 4 or -np 6"))
    let groups = try Program.train(ranks: 8, ["--dry-run", "--parallel-fc", "groups=3"])
    #expect(groups.code == 64 && groups.error.contains("3 does not divide the 4 replicas"))
    #expect(groups.error.contains("take data or model or groups=2"))
    let word = try Program.train(ranks: nil, ["--dry-run", "--parallel-fc", "groups=x"])
    #expect(word.code == 64 && word.error.contains("data, model, groups=N or automatic"))
    let many = try Program.train(ranks: 4, ["--dry-run", "--batch-size", "1"])
    #expect(many.code == 64 && many.error.contains("--batch-size"))
  }
}
