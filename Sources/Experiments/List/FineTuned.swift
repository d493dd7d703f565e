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
  private static let (tuned, gently, scratch) = (
    "fine-tuned", "fine-tuned at a tenth", "from the start"
  )
  private static let common = ["--variant sixth-convolution", "--augmentation crop,colour"]

  /// Steps of all fine-tunings, whatever the size of their set.
  private static let steps = 400
  /// How many times as many a training from the start takes: with a sixth convolution the loss leaves
  /// ln(classes) after some 250 steps, and in some runs not within 400.
  private static let timesFromTheStart = 4
  /// The rate of the paper, and that of its authors' fine-tuning.
  private static let (rate, gentleRate) = (0.01, 0.001)

  private static func first(_ scope: Scope) -> [PlannedRun] {
    (1...scope.seeds).map {
      PlannedRun(pretrained, seed: $0, scope.words(common + [scope.fixedSchedule]))
    }
  }

  private static func second(_ scope: Scope, _ seeds: [Int]) -> [PlannedRun] {
    (1..<max(2, scope.datasets)).flatMap { data -> [PlannedRun] in
      let pictures = scope.pictures.map { $0[data] } ?? steps * scope.batchSize
      func words(_ steps: Int) -> [String] {
        let epochs = max(1, (steps * scope.batchSize + pictures / 2) / max(1, pictures))
        return common + [
          "--epochs \(epochs)", Scope.fixedSchedule(epochs),
          "--validate-every \(100 * Self.steps)",
        ]
      }
      return seeds.flatMap { seed -> [PlannedRun] in
        let start = [
          "--init-from run:\(PlannedRun.name(pretrained, seed: seed))", "--reset fc8",
        ]
        let gentle = start + ["--learning-rate-scale fc8=10"]
        return [(scratch, [String](), rate), (tuned, start, rate), (gently, gentle, gentleRate)].map
        {
          kind, own, rate in
          PlannedRun(
            arm(kind, data), seed: seed,
            scope.words(
              words(kind == scratch ? timesFromTheStart * steps : steps) + own
                + ["--learning-rate \(plain(rate))"]), data: data)
        }
      }
    }
  }

  package static func runs(_ scope: Scope, after records: [RunRecord]) throws(Failure)
    -> [PlannedRun]
  {
    let first = first(scope)
    guard first.allSatisfy(records.has) else { return first }
    let stuck = records.of(pretrained).filter(\.isAtChance).map(\.run.name)
    guard stuck.isEmpty else {
      throw Failure(
        .badData,
        "What was pretrained has learnt nothing (\(listed(stuck))): there is nothing to fine-tune. "
          + "Try more --epochs, a smaller --batch-size, or --with '--initial code2012', in another "
          + "--out.")
    }
    return first + second(scope, records.seeds(of: pretrained))
  }

  package static func later(_ scope: Scope) -> [PlannedRun] {
    second(scope, Array(1...scope.seeds))
  }

  package static func result(_ scope: Scope, _ records: [RunRecord]) -> ExperimentResult {
    var (rows, pictured): ([[String]], [IntervalPicture.Row]) = ([], [])
    for data in 1..<max(2, scope.datasets) {
      let set =
        "dataset \(data + 1)" + (scope.pictures.map { ", \($0[data]) pictures" } ?? "")
      rows.append([
        "\(set), from the start", records.count("error", of: arm(scratch, data)),
        shown(records.sample("error", of: arm(scratch, data))), "", "", "",
      ])
      for kind in [tuned, gently] {
        let fall = records.difference("error", arm(scratch, data), from: arm(kind, data))
        rows.append([
          "\(set), \(kind)", records.count("error", of: arm(kind, data)),
          shown(records.sample("error", of: arm(kind, data))), shown(fall), shown(fall.interval),
          records.verdict("error", of: arm(scratch, data), above: arm(kind, data)).rawValue,
        ])
        pictured.append(
          IntervalPicture.Row(
            "\(set), \(kind)", points: fall.values, mean: fall.mean, interval: fall.interval))
      }
    }
    return ExperimentResult(
      heading: [
        "trained on", "seeds", "error, %", "better by, points", "95 % interval",
        "fine-tuning being better",
      ], rows: rows,
      notes: [
        "Fine-tuning takes about \(steps) steps and training from the start \(timesFromTheStart) "
          + "times as many, in whole epochs; the rate is divided by 10 after 0.6 and 0.85 of them. "
          + "It is \(plain(rate)) from the start and where nothing else is said; at a tenth it is "
          + "\(plain(gentleRate)) but for the last layer, as the authors fine-tuned. The last layer "
          + "always begins anew."
      ],
      figure: .intervals(
        IntervalPicture(
          "Fine-tuning against training from the start",
          label: "points by which fine-tuning lowers the top-1 error", mark: 0, pictured)))
  }
}
