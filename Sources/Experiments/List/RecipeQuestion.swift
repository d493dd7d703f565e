import Foundation
import Networks
package import Report
package import System
import Training

/// When learning begins: the paper's recipe against that of its authors' code, and what dropout's
/// form does to the first steps.
package enum RecipeQuestion: Experiment {
  package static let name = "recipe"
  package static let summary = "steps until the loss leaves ln(classes), by recipe and dropout"
  package static let claim =
    "The paper's text and its authors' code start the weights differently; neither says what that "
    + "does, and nobody has published it."
  package static let standard: Scope = {
    var scope = Scope(seeds: 5, epochs: 1000, network: "alexnet-64")
    scope.batchSize = 0
    return scope
  }()
  package static let datasets = 1...8

  private static let kinds = [
    ("paper", ["--recipe paper"]), ("code2012", ["--recipe code2012"]),
    ("paper, inverted dropout", ["--recipe paper", "--variant inverted-dropout"]),
  ]
  private static let batches = [32, 128]

  private static func arm(_ kind: String, _ batch: Int, _ data: Int) -> String {
    "\(kind), batch \(batch), dataset \(data + 1)"
  }

  package static func runs(_ scope: Scope, after records: [RunRecord]) throws(Failure)
    -> [PlannedRun]
  {
    var runs: [PlannedRun] = []
    for data in 0..<scope.datasets {
      for batch in scope.batchSize == 0 ? batches : [scope.batchSize] {
        for (kind, words) in kinds {
          runs += (1...scope.seeds).map { seed in
            PlannedRun(
              arm(kind, batch, data), seed: seed,
              scope.words(
                words + ["--batch-size \(batch)", "--max-steps 600", "--validate-every 1000000"]),
              data: data)
          }
        }
      }
    }
    return runs
  }

  package static func read(_ run: RunMetrics, into record: inout RunRecord) throws(Failure) {
    let losses = run.steps.map(\.loss)
    let level = log(Double(run.settings.network.classes))
    record.figures["classes"] = Double(run.settings.network.classes)
    record.figures["departure"] = TrainingCurve.departure(losses, from: level).map(Double.init)
    record.figures["peak"] = losses.prefix(50).max()
  }

  /// How high the loss rose is told of runs that diverged too.
  package static func readDiverged(
    _ run: RunMetrics, into record: inout RunRecord
  ) throws(Failure) {
    try read(run, into: &record)
    record.figures["departure"] = nil
  }

  /// How much earlier or later than the paper's recipe another lets learning begin, in words.
  ///
  /// A seed that never begins would have the largest number of all: where one is missing, the mean
  /// of the others is a bound.
  private static func comparison(_ earlier: Sample, isWhole: Bool, isBaseWhole: Bool) -> String {
    guard !earlier.values.isEmpty else { return "no seed began with both it and paper." }
    let isLater = earlier.mean < 0
    let steps = Sample(earlier.values.map { isLater ? -$0 : $0 })
    let bound =
      switch (isWhole, isBaseWhole) {
      case (true, true): ""
      case (false, false): "about "
      case (false, true): isLater ? "at least " : "at most "
      case (true, false): isLater ? "at most " : "at least "
      }
    return "\(bound)\(shown(steps, 0)) steps \(isLater ? "later" : "earlier") than paper, 95 % "
      + "interval \(shown(steps.interval, 0)), "
      + "\(counted(steps.values.count, "pair", "pairs")) of seeds in which both began."
  }

  package static func result(_ scope: Scope, _ records: [RunRecord]) -> ExperimentResult {
    var (rows, notes, pictured): ([[String]], [String], [IntervalPicture.Row]) = ([], [], [])
    let sizes = (0..<scope.datasets).map { data in
      records.first { $0.run.data == data }?.figures["classes"]
    }
    // Their numbers of classes tell datasets apart, unless two have as many.
    let areAlike = Set(sizes).count < scope.datasets
    for data in 0..<scope.datasets {
      for batch in scope.batchSize == 0 ? batches : [scope.batchSize] {
        for (kind, _) in kinds {
          let name = arm(kind, batch, data)
          let runs = records.of(name)
          let departures = records.sample("departure", of: name)
          let classes = runs.first?.figures["classes"]
          let set = areAlike ? " of dataset \(data + 1)" : ""
          let title = "\(kind), batch \(batch), \(shown(classes, 0)) classes\(set)"
          rows.append([
            title, "\(departures.values.count) of \(runs.count)", shown(departures, 0),
            shown(departures.interval, 0), shown(records.sample("peak", of: name)),
          ])
          let began = departures.values.count
          pictured.append(
            IntervalPicture.Row(
              began < runs.count ? "\(title) (\(began) of \(runs.count))" : title,
              points: departures.values, mean: departures.mean, interval: departures.interval,
              absence: "none began"))
          guard kind != kinds[0].0 else { continue }
          notes.append(
            "\(title): "
              + comparison(
                records.difference("departure", arm(kinds[0].0, batch, data), from: name),
                isWhole: began == runs.count,
                isBaseWhole: records.of(arm(kinds[0].0, batch, data)).allSatisfy {
                  $0.figures["departure"] != nil
                }))
        }
      }
    }
    return ExperimentResult(
      heading: [
        "setting", "began to learn", "steps until then", "95 % interval",
        "highest loss of 50 steps",
      ], rows: rows,
      notes: [
        "Learning begins at the first step at which the mean loss of the last 20 is below 0.9 "
          + "ln(classes). Runs that do not begin within their steps, or diverge, are in no mean."
      ] + notes,
      figure: .intervals(
        IntervalPicture(
          "Steps until learning begins", label: "steps until the loss leaves ln(classes)",
          pictured)))
  }
}
