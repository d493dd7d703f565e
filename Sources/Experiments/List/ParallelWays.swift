import Report
package import System

/// Whether the ways to spread one network over ranks train equally good networks.
package enum ParallelWays: Experiment {
  package static let name = "parallel"
  package static let summary = "final errors on 1, 2, 4 and 8 ranks, and with 16-bit messages"
  package static let claim =
    "One network is trained, however it is spread: final errors differ by less than two seeds do."
  package static let standard = Scope(seeds: 3, epochs: 10, network: "alexnet-64")

  /// Two seeds differ by less than so many of their standard deviations in 95 % of cases.
  private static let twoSeeds = 1.96 * 2.0.squareRoot()

  private static let base = "2 ranks"
  private static let ways: [(name: String, words: [String], ranks: Int)] = [
    (base, [], 2),
    ("1 rank", [], 1),
    ("4 ranks, by data", ["--parallel-fc data"], 4),
    ("4 ranks, by model", ["--parallel-fc model"], 4),
    // Two replicas in two groups would be by data again.
    ("8 ranks, in 2 groups", ["--parallel-fc groups=2"], 8),
    ("2 ranks, bf16", ["--send-activations bf16", "--send-gradients bf16"], 2),
    ("2 ranks, fp16", ["--send-activations fp16", "--send-gradients fp16"], 2),
  ]

  package static func runs(_ scope: Scope, after records: [RunRecord]) throws(Failure)
    -> [PlannedRun]
  {
    (1...scope.seeds).flatMap { seed in
      ways.map { way in
        PlannedRun(
          way.name, seed: seed, scope.words(way.words + [scope.fixedSchedule]), ranks: way.ranks)
      }
    }
  }

  package static func result(_ scope: Scope, _ records: [RunRecord]) -> ExperimentResult {
    var (rows, pictured): ([[String]], [IntervalPicture.Row]) = ([], [])
    let spread = records.sample("error", of: base).deviation
    /// Nothing is to be estimated where all numbers are the same.
    func verdict(_ way: String) -> Verdict {
      let differences = ["error", "loss"].map { records.difference($0, way, from: base).values }
      return !differences[1].isEmpty && differences.joined().allSatisfy { $0 == 0 }
        ? .shown
        : Verdict(
          records.difference("error", way, from: base), within: spread.map { twoSeeds * $0 })
    }
    for way in ways {
      let difference = records.difference("error", way.name, from: base)
      rows.append([
        way.name, records.count("error", of: way.name),
        shown(records.sample("error", of: way.name)), way.name == base ? "" : shown(difference),
        way.name == base ? "" : shown(difference.interval),
        way.name == base ? "" : verdict(way.name).rawValue,
      ])
      guard way.name != base else { continue }
      pictured.append(
        IntervalPicture.Row(
          way.name, points: difference.values, mean: difference.mean,
          interval: difference.interval))
    }
    return ExperimentResult(
      heading: [
        "ranks", "seeds", "error, %", "more than 2 ranks, points", "95 % interval",
        "less than two seeds differ",
      ],
      rows: rows,
      notes: [
        "The standard deviation between seeds is \(shown(spread)) points on 2 ranks. The claim is "
          + "shown where the whole interval is nearer to 0 than \(shown(twoSeeds)) of them, within "
          + "which two seeds are in 95 % of cases (1.96 times the root of 2), or where errors and "
          + "losses are the same."
      ],
      figure: .intervals(
        IntervalPicture(
          "Final errors by the way the network is spread",
          label: "points of top-1 error more than on 2 ranks", mark: 0, pictured)))
  }
}
