package import Report
package import System

/// Whether the mean over ten crops is better than the middle one, on the networks of `fashion-mnist`.
package enum TenCrops: Experiment {
  package static let name = "ten-crops"
  package static let summary = "ten crops against one, on the networks of fashion-mnist"
  package static let claim =
    "Without averaging over ten crops the top-1 error is 39.0 instead of 37.5 % (section 6)."
  package static let standard = FashionMNIST.standard

  private static let arms = [("one crop", "1"), ("ten crops", "10")]

  package static func runs(_ scope: Scope, after records: [RunRecord]) throws(Failure)
    -> [PlannedRun]
  {
    let networks = try FashionMNIST.runs(scope, after: records)
    guard networks.allSatisfy(records.has) else { return networks }
    let evaluations = evaluations(records.seeds(of: FashionMNIST.arm))
    // Ten crops are compared with one, picture by picture.
    let first = evaluations.filter { $0.arm == arms[0].0 }
    return networks + (first.allSatisfy(records.has) ? evaluations : first)
  }

  package static func later(_ scope: Scope) -> [PlannedRun] {
    evaluations(Array(1...scope.seeds))
  }

  private static func evaluations(_ seeds: [Int]) -> [PlannedRun] {
    seeds.flatMap { seed in
      arms.map { arm, crops in
        PlannedRun(
          arm, seed: seed,
          [
            "run:\(PlannedRun.name(FashionMNIST.arm, seed: seed))", "--crops", crops,
            "--predictions",
            "own:predictions.csv",
          ], program: .evaluate)
      }
    }
  }

  package static func read(_ run: RunMetrics, into record: inout RunRecord) throws(Failure) {
    try FashionMNIST.read(run, into: &record)
  }

  package static func read(
    _ figures: Evaluated, _ run: PlannedRun, folder: (String) -> String,
    into record: inout RunRecord
  ) throws(Failure) {
    record.figures["error"] = figures.figures.top1Error
    record.figures["images"] = Double(figures.figures.images)
    guard run.arm == arms[1].0 else { return }
    // Picture by picture: what one crop gets wrong and ten get right, and the other way round.
    let lists = try [PlannedRun.name(arms[0].0, seed: run.seed), run.name].map {
      name throws(Failure) in try Predictions.hits(folder(name) + "/predictions.csv")
    }
    record.figures["mended"] = Double(zip(lists[0], lists[1]).count { !$0 && $1 })
    record.figures["spoilt"] = Double(zip(lists[0], lists[1]).count { $0 && !$1 })
  }

  package static func result(_ scope: Scope, _ records: [RunRecord]) -> ExperimentResult {
    let fall = records.difference("error", arms[0].0, from: arms[1].0)
    var (rows, pictured): ([[String]], [IntervalPicture.Row]) = ([], [])
    var verdicts: [Verdict] = []
    for record in records.of(arms[1].0) {
      let one = records.of(arms[0].0).first { $0.run.seed == record.run.seed }
      guard let one = one?.figures["error"], let ten = record.figures["error"],
        let images = record.figures["images"], let mended = record.figures["mended"],
        let spoilt = record.figures["spoilt"], let gained = Int(exactly: mended),
        let lost = Int(exactly: spoilt), gained >= 0, lost >= 0, gained < 1 << 30, lost < 1 << 30
      else { continue }
      // Of each picture -1, 0 or 1, whose squares are 0 or 1.
      let mean = (mended - spoilt) / images
      let shares = Sample.interval(
        mean: mean, ofSquares: (mended + spoilt) / images, count: images)
      let interval =
        mended + spoilt == 0
        ? nil : shares.map { 100 * $0.lowerBound...100 * $0.upperBound }
      let chance = SignTest.probability(gained, lost)
      verdicts.append(chance >= 0.05 ? .tooSmall : mended > spoilt ? .shown : .opposite)
      rows.append([
        "seed \(record.run.seed)", shown(one), shown(ten), shown(100 * mean), shown(interval),
        "\(gained) / \(lost)", shown(chance, 4),
      ])
      pictured.append(
        IntervalPicture.Row(
          "seed \(record.run.seed), over pictures", points: [], mean: 100 * mean,
          interval: interval))
    }
    rows.append([
      "mean", shown(records.sample("error", of: arms[0].0)),
      shown(records.sample("error", of: arms[1].0)), shown(fall), shown(fall.interval), "", "",
    ])
    pictured.append(
      IntervalPicture.Row(
        "over seeds", points: fall.values, mean: fall.mean, interval: fall.interval))
    // All networks must agree: they see the same pictures, so together they are no larger sample.
    let agreed = Set(verdicts).count == 1 ? verdicts[0] : .tooSmall
    return ExperimentResult(
      heading: [
        "network", "one crop, %", "ten crops, %", "better by, points", "95 % interval",
        "mended / spoilt pictures", "p",
      ], rows: rows,
      notes: [
        "Intervals of a seed are over pictures, that of the mean is over seeds; p is how "
          + "often chance would divide so unevenly the pictures that only one of the two gets right "
          + "(the exact sign test). Verdict on ten "
          + "crops being better on each of these networks (p below 0.05): \(agreed.rawValue); on "
          + "such networks, over seeds: \(Verdict(fall, above: 0).rawValue)."
      ],
      figure: .intervals(
        IntervalPicture(
          "Ten crops against one", label: "points by which ten crops lower the top-1 error",
          mark: 0, pictured)))
  }
}
