package import Report
package import System

/// The paper's figure 1: how much faster rectifiers learn than tanh.
package enum Figure1: Experiment {
  package static let name = "figure-1"
  package static let summary = "relu against tanh in the four-layer network, each at its best rate"
  package static let claim =
    "A four-layer network with ReLUs reaches a training error of 25 % on CIFAR-10 six times faster "
    + "than one with tanh (figure 1)."
  package static let standard = Scope(seeds: 5, epochs: 20, network: "cifar-four-layer")

  private static let units = [("relu", [String]()), ("tanh", ["--variant tanh"])]
  private static func words(_ scope: Scope, _ unit: [String], rate: Double) -> [String] {
    scope.words(unit + ["--learning-rate \(plain(rate))", "--divide-rate-at never"])
  }

  private static func search(_ unit: String) -> RateLadder {
    RateLadder(arm: unit, first: 3...6, figure: "end")
  }

  package static func runs(_ scope: Scope, after records: [RunRecord]) throws(Failure)
    -> [PlannedRun]
  {
    var short = scope
    short.epochs = max(1, scope.epochs / 4)
    var runs: [PlannedRun] = []
    for (unit, words) in units {
      let (own, rate) = try search(unit).runs(after: records) { rate in
        self.words(short, words, rate: rate)
      }
      runs += own
      if let rate {
        runs += (1...scope.seeds).map { seed in
          PlannedRun(unit, seed: seed, self.words(scope, words, rate: rate))
        }
      }
    }
    return runs
  }

  package static func later(_ scope: Scope) -> [PlannedRun] {
    units.flatMap { unit, words in
      (1...scope.seeds).map { seed in
        PlannedRun(unit, seed: seed, self.words(scope, words, rate: 0.001))
      }
    }
  }

  package static func read(_ run: RunMetrics, into record: inout RunRecord) throws(Failure) {
    record.curve = TrainingCurve.errors(run, partsOfAnEpoch: 4)
    record.figures["end"] = record.curve.last?[1]
  }

  /// The epochs that each unit's runs take to a level, by seed.
  private static func places(of level: Double, _ measured: [[RunRecord]]) -> [[Int: Double]] {
    measured.map { runs in
      Dictionary(
        runs.compactMap { run in
          TrainingCurve.place(of: level, on: run.curve).map { (run.run.seed, $0) }
        }, uniquingKeysWith: { first, _ in first })
    }
  }

  /// How many times as long tanh takes, for the seeds with which both get there.
  private static func ratios(_ places: [[Int: Double]]) -> Sample {
    Sample(
      places[0].keys.sorted().compactMap { seed in
        places[1][seed].map { $0 / (places[0][seed] ?? .nan) }
      })
  }

  package static func result(_ scope: Scope, _ records: [RunRecord]) -> ExperimentResult {
    let all = units.map { unit, _ in records.of(unit) }
    let measured = all.map { $0.filter { TrainingCurve.learns($0.curve) } }
    let stuck = all.flatMap { $0 }.filter { !TrainingCurve.learns($0.curve) }.map(\.run.name)
    // The lowest whole percent that every run reaches which learns at all.
    let lows = measured.flatMap { $0 }.map { $0.curve.map { $0[1] }.min() ?? .infinity }
    let level = lows.max().map { $0.rounded(.up) } ?? .nan
    let places = places(of: level, measured)
    let ratios = ratios(places)
    var rows: [[String]] = []
    var series: [Chart.Series] = []
    for (number, (unit, _)) in units.enumerated() {
      let found = Sample(places[number].keys.sorted().compactMap { places[number][$0] })
      let rate = all[number].first?.run.values(of: "--learning-rate").first
      rows.append([
        unit, rate ?? "-", "\(measured[number].count) of \(all[number].count)", shown(found),
        shown(Sample(measured[number].compactMap { $0.curve.last?[1] })),
      ])
      for record in measured[number] {
        series.append(
          Chart.Series(
            "", Curve(record.curve.map { Curve.Point($0[0], $0[1]) }), colour: number,
            isFaint: true))
      }
      series.append(
        Chart.Series(
          "\(unit), mean of \(measured[number].count)",
          TrainingCurve.mean(measured[number].map(\.curve)), colour: number))
    }
    let ends = [0, Double(scope.epochs)].map { Curve.Point($0, level) }
    series.append(Chart.Series("\(shown(level, 0)) %", Curve(ends), colour: 2))
    var chart = Chart(
      "Training error with relu and with tanh", x: "epochs", y: "training error (%)", series)
    chart.startsAtZero = true
    var notes = [
      "tanh takes \(shown(ratios)) times as many epochs as relu to a training error of "
        + "\(shown(level, 0)) % (95 % interval \(shown(ratios.interval)), "
        + "\(ratios.values.count) pairs of seeds); the paper: six times."
    ]
    // The seeds that learn are no fair sample where others do not.
    func verdict(_ times: Double) -> Verdict {
      stuck.isEmpty ? Verdict(ratios, above: times) : .tooSmall
    }
    let published = Self.ratios(Self.places(of: 25, measured))
    if level < 25 {
      notes.append(
        "To 25 %, the paper's level, it takes \(shown(published)) times as many (95 % interval "
          + "\(shown(published.interval))).")
    }
    if !stuck.isEmpty {
      notes.append("Without \(listed(stuck)), which did not learn or diverged.")
    }
    return ExperimentResult(
      heading: [
        "unit", "learning rate", "seeds that learn", "epochs to \(shown(level, 0)) %",
        "error at the end, %",
      ], rows: rows,
      notes: notes + [
        "Verdict on relu being faster: \(verdict(1).rawValue); on six times as fast or more: "
          + "\(verdict(6).rawValue).",
        "Rates tried, with the training error at the end of the search: "
          + units.map { unit, _ in search(unit).text(records) }.joined(separator: "; ") + ".",
      ], figure: .chart(chart))
  }
}
