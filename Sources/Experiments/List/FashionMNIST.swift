package import Report
package import System

/// AlexNet itself on Fashion-MNIST, or on any other dataset, to a level and beyond.
///
/// The rate is twice the paper's and falls along a cosine: in ten epochs that reaches more than the
/// paper's steps do. It is warmed up over 200 steps, or a tenth of a short run's: at the whole rate
/// from the first step, the loss jumped to 6.6 and then stayed at ln(10) for an epoch
/// (Docs/Results.md).
package enum FashionMNIST: Experiment {
  package static let name = "fashion-mnist"
  package static let summary = "the full-size network: epochs and hours to 88.4, 90 and 92 %"
  package static let claim =
    "d2l.ai publishes a test accuracy of 88.4 % for AlexNet on Fashion-MNIST at 224x224 after 10 "
    + "epochs of batch 128."
  package static let standard = Scope(seeds: 2, epochs: 10, network: "alexnet")

  static let arm = "alexnet"
  private static let levels = [88.4, 90, 92]

  package static func runs(_ scope: Scope, after records: [RunRecord]) throws(Failure)
    -> [PlannedRun]
  {
    let images = scope.epochs * (scope.pictures?.first ?? .max / scope.epochs)
    let warmUp = min(200, images / max(1, scope.batchSize) / 10)
    return (1...scope.seeds).map {
      PlannedRun(
        arm, seed: $0,
        scope.words(["--schedule cosine", "--learning-rate 0.02", "--warm-up \(warmUp)"]))
    }
  }

  package static func read(_ run: RunMetrics, into record: inout RunRecord) throws(Failure) {
    record.curve = run.validations.map { [$0.epoch, 100 - $0.top1Error] }
    record.figures["accuracy"] = record.curve.last?[1]
    for level in levels {
      guard let first = run.validations.first(where: { 100 - $0.top1Error >= level }) else {
        continue
      }
      record.figures["hours to \(plain(level))"] = first.hours
      record.figures["epochs to \(plain(level))"] = first.epoch
    }
  }

  package static func result(_ scope: Scope, _ records: [RunRecord]) -> ExperimentResult {
    let runs = records.of(arm)
    let accuracy = records.sample("accuracy", of: arm)
    var rows = runs.map { run -> [String] in
      let accuracy = run.figures["accuracy"]
      return ["seed \(run.run.seed)", shown(run.epochs, 1), shown(run.hours), shown(accuracy)]
        + levels.map { level in
          let epochs = run.figures["epochs to \(plain(level))"]
          let hours = run.figures["hours to \(plain(level))"]
          return epochs == nil ? "-" : "\(shown(epochs, 1)), \(shown(hours)) h"
        }
    }
    rows.append(
      ["mean", "", "", shown(accuracy)]
        + levels.map { level in
          let hours = records.sample("hours to \(plain(level))", of: arm)
          return hours.values.isEmpty
            ? "none" : "\(shown(hours)) h, \(hours.values.count) of \(runs.count)"
        })
    var series = runs.enumerated().map { number, run in
      Chart.Series(
        "seed \(run.run.seed)", Curve(run.curve.map { Curve.Point($0[0], $0[1]) }), colour: number,
        hasPoints: true)
    }
    let last = runs.compactMap { $0.curve.last?[0] }.max() ?? 1
    series.append(
      Chart.Series(
        "d2l.ai after 10 epochs, 88.4 %", Curve([Curve.Point(0, 88.4), Curve.Point(last, 88.4)]),
        colour: 7))
    return ExperimentResult(
      heading: ["run", "epochs", "hours", "accuracy, %"]
        + levels.map { "epochs and hours to \(plain($0)) %" }, rows: rows,
      notes: [
        "Verdict on the accuracy being above 88.4 % after \(scope.epochs) epochs: "
          + "\(Verdict(accuracy, above: 88.4).rawValue) (95 % interval \(shown(accuracy.interval)))."
      ],
      figure: .chart(
        Chart("Validation accuracy", x: "epochs", y: "accuracy (%)", series)))
  }
}
