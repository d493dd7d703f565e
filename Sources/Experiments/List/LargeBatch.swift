import Report
package import System
import Training

/// What a large batch costs: the linear rule against LARS.
package enum LargeBatch: Experiment {
  package static let name = "large-batch"
  package static let summary = "a batch 16 times as large: the linear rule, SGD's best rate, LARS"
  package static let claim =
    "LARS keeps the error of small batches where the linear rule loses it (You, Gitman and "
    + "Ginsburg 2017, on AlexNet)."
  package static let standard = Scope(seeds: 3, epochs: 30, network: "cifar-four-layer")

  /// How many times as large the large batch is.
  private static let factor = 16

  /// The epochs of the warm-up that `--base-batch` brings.
  private static let warmUp = RunPlan.warmUpEpochs

  private static let small = "small batch"
  private static let rule = "large batch, linear rule"
  private static let plainBest = "large batch, SGD's best rate"
  private static let lars = "large batch, LARS"
  private static let arms = [small, rule, plainBest, lars]

  private static let searches = [
    RateLadder(arm: small, first: 4...6, figure: "error"),
    RateLadder(arm: plainBest, first: 5...7, figure: "error"),
    RateLadder(arm: lars, first: 11...13, figure: "error"),
  ]

  /// All have the same schedule; those with a large batch the same warm-up.
  private static func words(_ scope: Scope, _ arm: String, rate: Double) -> [String] {
    let batch = scope.batchSize * factor
    let large = ["--batch-size \(batch)", "--accumulate \(factor)"]
    let own =
      switch arm {
      case small: [String]()
      case rule: large + ["--base-batch \(scope.batchSize)"]
      case lars: large + ["--base-batch \(batch)", "--optimiser lars"]
      default: large + ["--base-batch \(batch)"]
      }
    return scope.words(own + ["--learning-rate \(plain(rate))", "--schedule cosine"])
  }

  /// The rate that a run's steps have after the warm-up: the linear rule multiplies what is given.
  private static func rate(of run: PlannedRun) -> Double? {
    guard let rate = run.values(of: "--learning-rate").first.flatMap(Double.init) else {
      return nil
    }
    let sizes = ["--batch-size", "--base-batch"].map {
      run.values(of: $0).last.flatMap(Double.init)
    }
    guard let batch = sizes[0], let base = sizes[1] else { return rate }
    return rate * batch / base
  }

  package static func runs(_ scope: Scope, after records: [RunRecord]) throws(Failure)
    -> [PlannedRun]
  {
    guard scope.epochs > warmUp || scope.with.contains("--warm-up") else {
      throw Failure(
        .usage,
        "Large batches warm up over \(warmUp) epochs: give more --epochs than \(scope.epochs).")
    }
    var runs: [PlannedRun] = []
    for search in searches {
      let (own, rate) = try search.runs(after: records) { words(scope, search.arm, rate: $0) }
      runs += own
      guard let rate else { continue }
      for arm in search.arm == small ? [small, rule] : [search.arm] {
        runs += (1...scope.seeds).map { seed in
          PlannedRun(arm, seed: seed, words(scope, arm, rate: rate))
        }
      }
    }
    return runs
  }

  package static func later(_ scope: Scope) -> [PlannedRun] {
    arms.flatMap { arm in
      (1...scope.seeds).map { PlannedRun(arm, seed: $0, words(scope, arm, rate: 0.001)) }
    }
  }

  package static func result(_ scope: Scope, _ records: [RunRecord]) -> ExperimentResult {
    var (rows, notes, pictured): ([[String]], [String], [IntervalPicture.Row]) = ([], [], [])
    for arm in arms {
      let runs = records.of(arm)
      let rate = runs.first.flatMap { record in Self.rate(of: record.run) }
      let difference = records.difference("error", arm, from: small)
      rows.append([
        arm, rate.map { plain($0) } ?? "-", runs.first.map { "\($0.steps)" } ?? "-",
        "\(records.sample("error", of: arm).values.count) of \(runs.count)",
        shown(records.sample("error", of: arm)), arm == small ? "" : shown(difference),
        arm == small ? "" : shown(difference.interval),
      ])
      guard arm != small else { continue }
      pictured.append(
        IntervalPicture.Row(
          arm, points: difference.values, mean: difference.mean, interval: difference.interval))
    }
    for arm in [rule, plainBest] {
      let lost = records.difference("error", arm, from: lars)
      notes.append(
        "\(arm): \(shown(lost)) points more than LARS, 95 % interval \(shown(lost.interval)). "
          + "Verdict on LARS being better: "
          + "\(records.verdict("error", of: arm, above: lars).rawValue).")
    }
    let spread = records.sample("error", of: small).deviation
    let kept = records.difference("error", lars, from: small)
    notes.append(
      "Verdict on LARS keeping the small batch's error, within the deviation of its seeds "
        + "(\(shown(spread)) points): \(Verdict(kept, within: spread).rawValue).")
    return ExperimentResult(
      heading: [
        "setting", "learning rate", "steps", "did not diverge", "error, %",
        "more than small, points", "95 % interval",
      ], rows: rows,
      notes: [
        "The small batch has \(scope.batchSize) images, the large one "
          + "\(scope.batchSize * factor); the linear rule multiplies the small batch's rate by "
          + "\(factor). All have a cosine schedule, the large ones a warm-up"
          + (scope.with.contains("--warm-up") ? "." : " over \(warmUp) epochs.")
      ] + notes + [
        "Rates tried with another seed, with the error at the end: "
          + searches.map { $0.text(records) }.joined(separator: "; ") + "."
      ],
      figure: .intervals(
        IntervalPicture(
          "Error of large batches", label: "points of top-1 error more than with a small batch",
          mark: 0, pictured)))
  }
}
