package import Report
package import System

/// What each part of the network and of its training is worth, against the whole.
package enum Ablations: Experiment {
  package static let name = "ablations"
  package static let summary = "the network without one of its parts, against the whole"
  package static let claim =
    "Each part lowers the error: in points of top-1, LRN 1.4, overlapping pools 0.4, two GPUs "
    + "against one of half the kernels 1.7, colour noise more than 1; dropout, mirror images and "
    + "weight decay are said to be needed, the last for training too (3.2 to 5)."
  package static let standard = Scope(seeds: 3, epochs: 10, network: "alexnet-64")

  private static let whole = "whole"
  /// The settings, with what the paper says of each: that the error rises.
  private static let parts: [(name: String, words: [String], isClaimed: Bool)] = [
    (whole, [], false),
    ("no LRN", ["--variant no-normalization"], true),
    ("pools without overlap", ["--variant non-overlapping-pooling"], true),
    ("no exchange but the last", ["--variant no-exchange"], false),
    ("no exchange at conv3", ["--variant no-conv3-exchange"], false),
    ("every layer reads both", ["--variant full-exchange"], false),
    ("one tower, conv1-4 halved", ["--variant one-column"], true),
    ("half width", ["--variant half-width"], false),
    ("no dropout", ["--variant no-dropout"], true),
    ("no colour noise", ["--augmentation crop,mirror"], true),
    ("no mirror images", ["--augmentation crop,colour"], true),
    ("no weight decay", ["--weight-decay 0"], true),
  ]

  package static func runs(_ scope: Scope, after records: [RunRecord]) throws(Failure)
    -> [PlannedRun]
  {
    // Seed by seed, so that what is there at any time is of equal seeds.
    (1...scope.seeds).flatMap { seed in
      parts.map { part in
        PlannedRun(
          part.name, seed: seed, scope.words(part.words + [scope.fixedSchedule]),
          // One tower cannot be split.
          ranks: part.words == ["--variant one-column"] ? 1 : nil)
      }
    }
  }

  package static func read(_ run: RunMetrics, into record: inout RunRecord) throws(Failure) {
    record.figures["error"] = run.validations.last?.top1Error
    let end = run.steps.last?.epoch ?? 0
    let last = run.steps.filter { $0.epoch > end - 1 }
    guard !last.isEmpty else { return }
    record.figures["training error"] = Sample(last.map(\.error)).mean
  }

  package static func result(_ scope: Scope, _ records: [RunRecord]) -> ExperimentResult {
    var (rows, pictured): ([[String]], [IntervalPicture.Row]) = ([], [])
    for part in parts {
      let isWhole = part.name == whole
      let rise = records.difference("error", part.name, from: whole)
      let training = records.difference("training error", part.name, from: whole)
      rows.append([
        part.name, records.count("error", of: part.name),
        shown(records.sample("error", of: part.name)),
        isWhole ? "" : shown(rise), isWhole ? "" : shown(rise.interval),
        isWhole ? "" : shown(training), isWhole ? "" : shown(training.interval),
        part.isClaimed ? records.verdict("error", of: part.name, above: whole).rawValue : "",
      ])
      guard !isWhole else { continue }
      pictured.append(
        IntervalPicture.Row(
          part.name, points: rise.values, mean: rise.mean, interval: rise.interval))
    }
    let training = records.verdict("training error", of: "no weight decay", above: whole)
    let claims = parts.count(where: \.isClaimed)
    return ExperimentResult(
      heading: [
        "setting", "seeds", "error, %", "more than whole, points", "95 % interval",
        "more training error", "95 % interval", "paper's claim",
      ], rows: rows,
      notes: [
        "Differences are paired by seed. Of \(claims) intervals of 95 %, one in twenty misses by "
          + "chance. Training errors are of the last epoch, with the dropout and the augmentation "
          + "that a setting has: only settings that share these can be compared by them. Verdict "
          + "on weight decay lowering the training error: \(training.rawValue)."
      ],
      figure: .intervals(
        IntervalPicture(
          "Validation error without a part", label: "points of top-1 error more than the whole",
          mark: 0, pictured)))
  }
}
