import Report
package import System

/// What the mean of several networks' outputs is worth.
package enum Ensembles: Experiment {
  package static let name = "ensemble"
  package static let summary = "averaged networks of several seeds against single ones"
  package static let claim =
    "Averaging five networks lowers the top-1 error from 40.7 to 38.1 % (table 2)."
  package static let standard = Scope(seeds: 5, epochs: 10, network: "alexnet-64")

  private static let (single, fitted) = ("single", "all, fitted weights")
  private static func arm(_ size: Int) -> String { "\(size) averaged" }

  private static func networks(_ scope: Scope) -> [PlannedRun] {
    (1...scope.seeds).map { PlannedRun(single, seed: $0, scope.words([scope.fixedSchedule])) }
  }

  /// Every size with every network in turn as the first one, so that each is in equally many; the
  /// whole once, and once with fitted weights.
  private static func evaluations(_ scope: Scope) -> [PlannedRun] {
    func members(_ first: Int, _ size: Int) -> [String] {
      (0..<size).map { "run:" + PlannedRun.name(single, seed: (first - 1 + $0) % scope.seeds + 1) }
    }
    var runs: [PlannedRun] = []
    for size in 1...scope.seeds {
      for first in 1...(size == scope.seeds ? 1 : scope.seeds) {
        runs.append(
          PlannedRun(arm(size), seed: first, members(first, size), program: .evaluate))
      }
    }
    if scope.seeds > 1 {
      runs.append(
        PlannedRun(
          fitted, seed: 1, members(1, scope.seeds) + ["--weights", "fitted"], program: .evaluate))
    }
    return runs
  }

  package static func runs(_ scope: Scope, after records: [RunRecord]) throws(Failure)
    -> [PlannedRun]
  {
    let networks = networks(scope)
    guard networks.allSatisfy({ run in records.contains { $0.run == run } }) else {
      return networks
    }
    return networks + evaluations(scope)
  }

  package static func later(_ scope: Scope, after records: [RunRecord]) -> [PlannedRun] {
    evaluations(scope)
  }

  package static func read(
    _ figures: Evaluated, _ run: PlannedRun, folder: (String) -> String,
    into record: inout RunRecord
  ) throws(Failure) {
    record.figures["error"] = figures.figures.top1Error
    record.figures["loss"] = figures.figures.loss
    // Both on the pictures on which no weight was fitted.
    record.figures["error with equal weights"] = figures.equalWeights?.top1Error
    record.figures["loss with equal weights"] = figures.equalWeights?.loss
  }

  package static func result(_ scope: Scope, _ records: [RunRecord]) -> ExperimentResult {
    let alone = records.sample("error", of: arm(1))
    var (rows, pictured): ([[String]], [IntervalPicture.Row]) = ([], [])
    for size in 1...scope.seeds {
      let sample = records.sample("error", of: arm(size))
      let one = size == 1 ? nil : records.sample("error", of: arm(size - 1)).mean - sample.mean
      rows.append([
        counted(size, "network", "networks"), "\(sample.values.count)", shown(sample),
        shown(records.sample("loss", of: arm(size)), 4), size == 1 ? "" : shown(one),
        size == 1 ? "" : shown(alone.mean - sample.mean),
      ])
      pictured.append(
        IntervalPicture.Row(
          counted(size, "network", "networks"), points: sample.values, mean: sample.mean,
          // Ensembles share members, so their spread is no interval; single networks do not.
          interval: size == 1 ? sample.interval : nil))
    }
    let gains = Sample(alone.values.map { $0 - records.sample("error", of: arm(scope.seeds)).mean })
    let weighted = records.of(fitted).first
    return ExperimentResult(
      heading: [
        "averaged", "ensembles", "error, %", "loss", "one more brings, points", "all bring",
      ], rows: rows,
      notes: [
        "The \(scope.seeds) together are better than one of them by \(shown(gains)) points, 95 % "
          + "interval over single networks \(shown(gains.interval)). Verdict: "
          + "\(Verdict(gains, above: 0).rawValue).",
        "Ensembles of one size share networks: their spread is not that of independent ones.",
        "On the odd-numbered pictures, weights fitted on the others give an error of "
          + "\(shown(weighted?.figures["error"])) % and a loss of "
          + "\(shown(weighted?.figures["loss"], 4)), equal weights "
          + "\(shown(weighted?.figures["error with equal weights"])) % and "
          + "\(shown(weighted?.figures["loss with equal weights"], 4)).",
      ],
      figure: .intervals(
        IntervalPicture(
          "Error of averaged networks", label: "top-1 error (%)", pictured)))
  }
}
