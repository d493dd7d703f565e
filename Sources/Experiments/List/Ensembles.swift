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
  /// - Parameter seeds: Those of the networks.
  /// - Returns: The runs.
  private static func evaluations(_ seeds: [Int]) -> [PlannedRun] {
    func members(_ first: Int, _ size: Int) -> [String] {
      (0..<size).map { "run:" + PlannedRun.name(single, seed: seeds[(first + $0) % seeds.count]) }
    }
    let predictions = ["--predictions", "own:predictions.csv"]
    var runs: [PlannedRun] = []
    for size in seeds.indices.map({ $0 + 1 }) {
      for (first, seed) in seeds.enumerated().prefix(size == seeds.count ? 1 : seeds.count) {
        runs.append(
          PlannedRun(
            arm(size), seed: seed,
            members(first, size) + (size == 1 || size == seeds.count ? predictions : []),
            program: .evaluate))
      }
    }
    if seeds.count > 1 {
      runs.append(
        PlannedRun(
          fitted, seed: seeds[0], members(0, seeds.count) + ["--weights", "fitted"],
          program: .evaluate))
    }
    return runs
  }

  package static func runs(_ scope: Scope, after records: [RunRecord]) throws(Failure)
    -> [PlannedRun]
  {
    let networks = networks(scope)
    guard networks.allSatisfy(records.has) else { return networks }
    let evaluations = evaluations(records.seeds(of: single))
    // The whole reads what each network predicts.
    let first = evaluations.filter { $0.arm == arm(1) }
    return networks + (first.allSatisfy(records.has) ? evaluations : first)
  }

  package static func later(_ scope: Scope) -> [PlannedRun] {
    evaluations(Array(1...scope.seeds))
  }

  package static func read(
    _ figures: Evaluated, _ run: PlannedRun, folder: (String) -> String,
    into record: inout RunRecord
  ) throws(Failure) {
    record.figures["error"] = figures.figures.top1Error
    record.figures["loss"] = figures.figures.loss
    // For the whole: picture by picture, how much oftener it is right than its members.
    let seeds = run.words.filter { $0.hasPrefix("run:") }.compactMap {
      $0.split(separator: "-").last.flatMap { Int($0) }
    }
    if seeds.count > 1, run.words.contains("--predictions") {
      let whole = try Predictions.hits(folder(run.name) + "/predictions.csv")
      var mean = [Double](repeating: 0, count: whole.count)
      for seed in seeds {
        let hits = try Predictions.hits(
          folder(PlannedRun.name(arm(1), seed: seed)) + "/predictions.csv")
        for (place, isHit) in hits.enumerated() where isHit && place < mean.count {
          mean[place] += 1 / Double(seeds.count)
        }
      }
      let gains = zip(whole, mean).map { ($0 ? 1 : 0) - $1 }
      record.figures["gain"] = gains.reduce(0, +) / Double(gains.count)
      record.figures["squared gain"] = gains.reduce(0) { $0 + $1 * $1 } / Double(gains.count)
      record.figures["images"] = Double(gains.count)
    }
    // Both on the pictures on which no weight was fitted.
    record.figures["error with equal weights"] = figures.equalWeights?.top1Error
    record.figures["loss with equal weights"] = figures.equalWeights?.loss
  }

  package static func result(_ scope: Scope, _ records: [RunRecord]) -> ExperimentResult {
    let alone = records.sample("error", of: arm(1))
    let count = max(1, alone.values.count)
    var (rows, pictured): ([[String]], [IntervalPicture.Row]) = ([], [])
    for size in 1...count {
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
    let whole = records.of(arm(count)).first?.figures ?? [:]
    let gain = whole["gain"].flatMap { mean in
      whole["squared gain"].flatMap { squares in
        whole["images"].flatMap { Sample.interval(mean: mean, ofSquares: squares, count: $0) }
      }
    }
    let interval = gain.map { 100 * $0.lowerBound...100 * $0.upperBound }
    let weighted = records.of(fitted).first
    var notes: [String] = []
    if count > 1 {
      let error = whole["error"] ?? .nan
      notes = [
        "The error of the \(count) together is \(shown(alone.mean - error)) points below the mean of "
          + "their own (95 % interval over the pictures \(shown(interval))); the best of them alone has "
          + "an error of \(shown(alone.values.min())) %. Verdict on averaging these networks: "
          + "\(Verdict(interval, above: 0).rawValue).",
        "Ensembles of one size share networks: their spread is not that of independent ones.",
      ]
    }
    if let weighted {
      notes.append(
        "On the odd-numbered pictures, weights fitted on the others give an error of "
          + "\(shown(weighted.figures["error"])) % and a loss of "
          + "\(shown(weighted.figures["loss"], 4)), equal weights "
          + "\(shown(weighted.figures["error with equal weights"])) % and "
          + "\(shown(weighted.figures["loss with equal weights"], 4)).")
    }
    return ExperimentResult(
      heading: [
        "averaged", "ensembles", "error, %", "loss", "one more brings, points", "all bring",
      ], rows: rows,
      notes: notes,
      figure: .intervals(
        IntervalPicture(
          "Error of averaged networks", label: "top-1 error (%)", pictured)))
  }
}
