import Foundation
import TestSupport
import Testing

/// The tools on a run whose best checkpoint is not its newest.
@Suite(.serialized) struct BestCheckpointTests {
  private let training: FaultRun
  private let data: String
  private var run: String { training.run }
  private var named: String { "\(run)/checkpoints/best.safetensors" }

  /// At so small a rate the error stays what it was, and the first of equal ones is the best.
  init() throws {
    training = try FaultRun()
    data = try Pictures.small.get().path + "/dataset"
  }

  private func train() throws -> Outcome {
    try Program.train(
      ranks: nil,
      [
        "--data", data, "--network", "cifar-four-layer", "--batch-size", "16", "--threads", "1",
        "--learning-rate", "0.00001", "--out", run, "--max-steps", "6", "--validate-every", "2",
        "--keep", "1",
      ])
  }

  /// The steps of the best and of the newest validation, by the run's records.
  private func steps() throws -> (best: Int, newest: Int) {
    let lines = try String(contentsOfFile: run + "/metrics.jsonl", encoding: .utf8)
    let errors = lines.split(separator: "\n").compactMap { line -> (step: Int, error: Double)? in
      guard
        let record = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
        let step = record["step"] as? Int, let error = record["top1Error"] as? Double
      else { return nil }
      return (step, error)
    }
    let best = try #require(errors.min { $0.error < $1.error })
    return (best.step, try #require(errors.last).step)
  }

  @Test func theBestIsReadWhereItIsAskedForAndTheNewestOtherwise() throws {
    let trained = try train()
    #expect(trained.code == 0, "\(trained.error)")
    let (best, newest) = try steps()
    try #require(best < newest)
    #expect(trained.output.contains("was after step \(best): "), "\(trained.output)")
    let file = training.scratch.path + "/out"
    let latest = "\(run)/checkpoints/latest.safetensors"
    for words in [
      ["export", "--format", "safetensors"], ["features", "--data", data, "--layer", "fc10"],
    ] {
      func write(_ path: String, _ more: String...) throws -> (data: Data, said: String) {
        let outcome = try Program.alexnet(
          ranks: nil, [words[0], path] + words.dropFirst() + ["--out", file] + more)
        #expect(outcome.code == 0, "\(words): \(outcome.error)")
        return (try training.bytes(file), outcome.error)
      }
      let (ofBest, ofNewest) = (try write(run, "--best"), try write(run))
      #expect(try ofBest.data == write(named).data && ofNewest.data == write(latest).data)
      #expect(ofBest.data != ofNewest.data, "\(words)")
      #expect(ofBest.said.contains("Using the best checkpoint of '\(run)', step \(best) "))
      #expect(ofNewest.said.contains("Using the newest checkpoint of '\(run)', step \(newest) "))
      #expect(ofNewest.said.contains("--best takes step \(best) "), "\(ofNewest.said)")
    }
    func json(_ words: String...) throws -> Outcome {
      let outcome = try Program.alexnet(ranks: nil, words)
      #expect(outcome.code == 0, "\(words): \(outcome.error)")
      return outcome
    }
    let evaluated = try json("evaluate", run, "--best", "--data", data, "--csv")
    #expect(
      try evaluated.output == json("evaluate", named, "--data", data, "--csv").output)
    let picture = training.scratch.path + "/crops.png"
    _ = try json("preview", "--data", data, "--out", picture)
    let predicted = try json("predict", "--checkpoint", run, "--best", "--json", picture)
    #expect(
      try predicted.output == json("predict", "--checkpoint", named, "--json", picture).output)
    for outcome in [evaluated, predicted] {
      #expect(outcome.error.contains("step \(best) "), "\(outcome.error)")
    }
    let page = training.scratch.path + "/page.html"
    let report = try json("report", run, "--best", "--out", page)
    #expect(report.error.contains("step \(best) "), "\(report.error)")
    #expect(try String(contentsOfFile: page, encoding: .utf8).contains("step \(best) "))
    try refusals(newest)
  }

  /// What is no run's best is refused, not replaced by something near.
  private func refusals(_ newest: Int) throws {
    func export(_ path: String) throws -> Outcome {
      try Program.alexnet(
        "export", path, "--best", "--format", "npz", "--out", training.scratch.path + "/x.npz")
    }
    let single = try export(named)
    #expect(single.code == 64 && single.error.contains("single checkpoint"), "\(single.error)")
    try FileManager.default.removeItem(atPath: named)
    let missing = try export(run)
    #expect(missing.code == 66 && missing.error.contains("best.safetensors"), "\(missing.error)")
    try FileManager.default.copyItem(
      atPath: "\(run)/checkpoints/latest.safetensors", toPath: named)
    let other = try export(run)
    #expect(other.code == 65 && other.error.contains("holds step \(newest),"), "\(other.error)")
  }
}
