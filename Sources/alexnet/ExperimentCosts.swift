import Data
import Experiments
import Foundation
import Report
import System
import Training

// What an experiment's runs will take.
extension ExperimentRuns {
  /// A setting's runs, the steps and hours of each, and the seconds of a step in a short timing.
  struct Cost {
    var arm: String
    var runs: Int
    var steps: Int
    var seconds: Double
    var hoursOfOne: Double
    var hours: Double { Double(runs) * hoursOfOne }
  }

  /// The steps of a timing, and those at its beginning that do not count: they touch memory for the
  /// first time.
  private static let timedSteps = 8
  private static let untimedSteps = 3

  static func batchSize(of run: PlannedRun) -> Double {
    Double(run.number("--batch-size") ?? 128)
  }

  private func steps(of run: PlannedRun) -> Int {
    let images = Double(run.number("--epochs") ?? 90) * Double(datasets[run.data].count(.train))
    return min(
      Int((images / Self.batchSize(of: run)).rounded(.up)), run.number("--max-steps") ?? .max)
  }

  /// The images that a training sees in all; 0 for an evaluation.
  func images(of run: PlannedRun) -> Double {
    run.program == .train ? Double(steps(of: run)) * Self.batchSize(of: run) : 0
  }

  /// Times some steps of each setting that has runs to make.
  func costs(of runs: [PlannedRun], progress: (String) -> Void) throws(Failure) -> [Cost] {
    var costs: [Cost] = []
    // Other rates take no other time.
    var timings: [[String]: Double] = [:]
    for run in runs where run.program == .train {
      if let place = costs.firstIndex(where: { $0.arm == run.arm }) {
        costs[place].runs += 1
        continue
      }
      progress("timing \(run.arm)")
      let dataset = datasets[run.data]
      let count = (train: dataset.count(.train), validation: dataset.count(.validation))
      let (batch, steps) = (Self.batchSize(of: run), steps(of: run))
      // A run of few steps still takes as long as they do.
      let epochs = Int((Double(Self.timedSteps) * batch / Double(max(1, count.train))).rounded(.up))
      let alike = run.without(["--learning-rate"]) + ["\(run.data) \(run.ranks ?? 0)"]
      let seconds: Double
      if let known = timings[alike] {
        seconds = known
      } else {
        seconds = try secondsOfAStep(run, epochs: min(1_000_000, epochs + 1))
        timings[alike] = seconds
      }
      // A validation computes a third of what a step does, and there is one an epoch.
      let validations = Double(steps) * batch / Double(max(1, count.train))
      let hours =
        seconds * (Double(steps) + validations * Double(count.validation) / batch / 3) / 3600
      costs.append(Cost(arm: run.arm, runs: 1, steps: steps, seconds: seconds, hoursOfOne: hours))
    }
    return costs
  }

  private func secondsOfAStep(
    _ run: PlannedRun, epochs: Int
  ) throws(Failure) -> Double {
    let timing = TemporaryFiles.folder + "/alexnet-timing-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: timing) }
    try RunDirectory(timing).makeFolder()
    var timed = run
    timed.words = run.without([
      "--max-steps", "--validate-every", "--init-from", "--reset", "--epochs",
    ])
    let words =
      launcher.words(Child.trainer, ranks: run.ranks)
      + ["--data", datasets[run.data].path, "--out", timing + "/run"]
      + ["--max-steps", "\(Self.timedSteps)", "--epochs", "\(epochs)"]
      + ["--validate-every", "1000000"] + timed.words { path($0) }
    let code = try Child.run(words, saves: true, output: timing + "/out")
    guard !Child.isAskedToStop else {
      throw Failure(.savedUnfinished, "Stopped; a dry run keeps nothing.")
    }
    guard code == 0 else {
      let said = (try? TextFile.read(timing + "/out")) ?? ""
      throw Failure(
        ExitCode(rawValue: code) ?? .internal,
        "A short run of \(quoted(run.arm)) ended with code \(code) and these words:\n\(said)")
    }
    let seconds = try RunMetrics(timing + "/run").steps.dropFirst(Self.untimedSteps)
      .map(\.seconds).sorted()
    guard !seconds.isEmpty else {
      throw Failure(
        .internal,
        "A short run of \(quoted(run.arm)) recorded no step after the first "
          + "\(Self.untimedSteps).")
    }
    return seconds[seconds.count / 2]
  }
}

extension PlannedRun {
  /// The number behind an option.
  fileprivate func number(_ option: String) -> Int? {
    words.lastIndex(of: option).flatMap { $0 + 1 < words.count ? Int(words[$0 + 1]) : nil }
  }

  /// The options without some, and without their values.
  fileprivate func without(_ options: [String]) -> [String] {
    words.indices.filter { place in
      !options.contains(words[place]) && (place == 0 || !options.contains(words[place - 1]))
    }.map { words[$0] }
  }
}
