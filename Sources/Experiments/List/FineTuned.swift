import Report
package import System

/// Whether a network that was trained on other classes is a better start than none.
package enum FineTuned: Experiment {
  package static let name = "fine-tune"
  package static let summary = "pretrained and fine-tuned (CNN*) against trained from the start"
  package static let claim =
    "A network with a sixth convolution, pretrained on more classes and fine-tuned, has lower "
    + "errors (CNN*: 39.0 against 40.7 %, table 2)."
  package static let standard = Scope(seeds: 3, epochs: 10, network: "alexnet-64")
  /// The set to pretrain on, and sets of a few images a class to tune on.
  package static let datasets = 2...9

  private static let pretrained = "pretrained"
  private static func arm(_ kind: String, _ data: Int) -> String { "\(kind), dataset \(data + 1)" }
  private static let (tuned, scratch) = ("fine-tuned", "from the start")
  private static let common = ["--variant sixth-convolution", "--augmentation crop,colour"]

  /// Steps of all trainings on a small set, whatever its size: those of an epoch of 60,000 images.
  private static let steps = 500

  private static func first(_ scope: Scope) -> [PlannedRun] {
    (1...scope.seeds).map {
      PlannedRun(pretrained, seed: $0, scope.words(common + [scope.fixedSchedule]))
    }
  }

  private static func second(_ scope: Scope) -> [PlannedRun] {
    let words = ["--max-steps \(steps)", "--epochs 100000", "--validate-every \(steps)"]
    return (1..<max(2, scope.datasets)).flatMap { data in
      (1...scope.seeds).flatMap { seed in
        [
          PlannedRun(
            arm(tuned, data), seed: seed,
            scope.words(
              common + words + [
                "--init-from run:\(PlannedRun.name(pretrained, seed: seed))", "--reset fc8",
                "--learning-rate 0.001", "--divide-rate-at never",
              ]
            ).withoutNetwork, data: data),
          PlannedRun(
            arm(scratch, data), seed: seed,
            scope.words(common + words + ["--divide-rate-at never"]), data: data),
        ]
      }
    }
  }

  package static func runs(_ scope: Scope, after records: [RunRecord]) throws(Failure)
    -> [PlannedRun]
  {
    let first = first(scope)
    guard first.allSatisfy({ run in records.contains { $0.run == run } }) else { return first }
    return first + second(scope)
  }

  package static func later(_ scope: Scope, after records: [RunRecord]) -> [PlannedRun] {
    second(scope)
  }

  package static func result(_ scope: Scope, _ records: [RunRecord]) -> ExperimentResult {
    var (rows, notes, pictured): ([[String]], [String], [IntervalPicture.Row]) = ([], [], [])
    for data in 1..<max(2, scope.datasets) {
      let fall = records.difference("error", arm(scratch, data), from: arm(tuned, data))
      rows.append([
        "dataset \(data + 1)", "\(fall.values.count)",
        shown(records.sample("error", of: arm(scratch, data))),
        shown(records.sample("error", of: arm(tuned, data))), shown(fall), shown(fall.interval),
      ])
      notes.append(
        "Verdict on fine-tuning being better on dataset \(data + 1): "
          + "\(Verdict(fall, above: 0).rawValue).")
      pictured.append(
        IntervalPicture.Row(
          "dataset \(data + 1)", points: fall.values, mean: fall.mean, interval: fall.interval))
    }
    return ExperimentResult(
      heading: [
        "tuned on", "seeds", "from the start, %", "fine-tuned, %", "better by, points",
        "95 % interval",
      ], rows: rows, notes: notes,
      figure: .intervals(
        IntervalPicture(
          "Fine-tuning against training from the start",
          label: "points by which fine-tuning lowers the top-1 error", mark: 0, pictured)))
  }
}

extension [String] {
  /// The words without the network, which comes with the weights.
  fileprivate var withoutNetwork: [String] {
    indices.filter { place in
      !["--network", "--variant"].contains(self[place])
        && (place == 0 || !["--network", "--variant"].contains(self[place - 1]))
    }.map { self[$0] }
  }
}
