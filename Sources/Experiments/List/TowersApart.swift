package import Report
package import System

/// What the towers learn: colour and orientation in conv1's kernels, tower by tower (figure 3).
package enum TowersApart: Experiment {
  package static let name = "towers"
  package static let summary = "colour and orientation of conv1's kernels by tower, per exchange"
  package static let claim =
    "One tower's kernels are largely colour-agnostic, the other's largely colour-specific, during "
    + "every run and whatever the initial weights (section 6.1, figure 3)."
  package static let standard = Scope(seeds: 3, epochs: 10, network: "alexnet-64")
  package static let needsColour = true

  private static let arms = [
    ("the paper's exchange", [String]()), ("full exchange", ["--variant full-exchange"]),
  ]

  package static func runs(_ scope: Scope, after records: [RunRecord]) throws(Failure)
    -> [PlannedRun]
  {
    (1...scope.seeds).flatMap { seed in
      arms.map { arm, words in
        PlannedRun(arm, seed: seed, scope.words(words + [scope.fixedSchedule]))
      }
    }
  }

  package static func read(_ run: RunMetrics, into record: inout RunRecord) throws(Failure) {
    record.figures["error"] = run.validations.last?.top1Error
    let kernels = try KernelMeasures(run)
    let (colour, orientation) = (kernels.colourShares, kernels.orientations)
    for tower in 0..<kernels.towers.count {
      record.figures["colour of tower \(tower)"] = kernels.mean(colour, ofTower: tower)
      record.figures["orientation of tower \(tower)"] = kernels.mean(orientation, ofTower: tower)
    }
    record.figures["colour apart"] = kernels.distance(colour)
    let (colours, orientations) = (kernels.divisions(colour), kernels.divisions(orientation))
    record.figures["colour chance"] = colours.chance
    record.figures["colour apart by chance"] = colours.mean
    record.figures["orientation apart"] = kernels.distance(orientation)
    record.figures["orientation chance"] = orientations.chance
  }

  package static func result(_ scope: Scope, _ records: [RunRecord]) -> ExperimentResult {
    var (rows, notes, pictured): ([[String]], [String], [IntervalPicture.Row]) = ([], [], [])
    for (arm, _) in arms {
      for record in records.of(arm) {
        let towers = ["colour", "orientation"].map { kind in
          (0..<2).map { shown(record.figures["\(kind) of tower \($0)"], 3) }.joined(
            separator: " / ")
        }
        rows.append([
          arm, "\(record.run.seed)", shown(record.figures["error"]), towers[0],
          shown(record.figures["colour chance"], 4), towers[1],
          shown(record.figures["orientation chance"], 4),
        ])
      }
      let apart = records.sample("colour apart", of: arm)
      let random = records.sample("colour apart by chance", of: arm)
      let clear = records.of(arm).count { ($0.figures["colour chance"] ?? 1) < 0.05 }
      notes.append(
        "\(arm): the towers' mean colour shares are \(shown(apart, 3)) apart (95 % interval "
          + "\(shown(apart.interval, 3))), those of random divisions of the same kernels "
          + "\(shown(random, 3)); in \(clear) of \(records.of(arm).count) runs fewer than 5 % of "
          + "random divisions are as far apart.")
      pictured.append(
        IntervalPicture.Row(
          arm, points: apart.values, mean: apart.mean, interval: apart.interval))
    }
    let paper = records.of(arms[0].0)
    /// Whether one tower's kernels have twice the colour of the other's, and not by chance.
    func isSpecial(_ record: RunRecord) -> Bool {
      let shares = (0..<2).map { record.figures["colour of tower \($0)"] ?? 0 }
      return (record.figures["colour chance"] ?? 1) < 0.05
        && max(shares[0], shares[1]) >= 2 * min(shares[0], shares[1])
    }
    let special = paper.count(where: isSpecial)
    let verdict: Verdict =
      paper.count < 2 ? .tooSmall : special == paper.count ? .shown : .notShown
    notes.append(
      "With the paper's exchange, one tower has at least twice the other's colour share, and not "
        + "by chance, in \(special) of \(paper.count) runs. Verdict on a tower for colour in every "
        + "run: \(verdict.rawValue).")
    let random = records.compactMap { $0.figures["colour apart by chance"] }
    return ExperimentResult(
      heading: [
        "exchange", "seed", "error, %", "colour share, tower 0 / 1", "chance",
        "orientation, tower 0 / 1", "chance",
      ], rows: rows,
      notes: [
        "A kernel's colour share is the part of its squared weights that no grey kernel has; its "
          + "orientation is |sum of E(f) exp(2 i angle of f)| / sum of E(f) over the power E of "
          + "its grey part at the frequencies f. Chance is the share of random divisions of the "
          + "kernels into towers whose means are as far apart, of 10,000 and the one that was found."
      ] + notes,
      figure: .intervals(
        IntervalPicture(
          "How far the towers are apart in colour",
          label: "difference of the towers' mean colour shares (dashed: of random divisions)",
          // A distance is never below 0: what chance gives is what it is compared with.
          mark: random.isEmpty ? nil : Sample(random).mean, pictured)))
  }
}
