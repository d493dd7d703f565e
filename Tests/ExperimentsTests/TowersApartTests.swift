import Experiments
import Testing

/// What the towers' kernels say of colour, worked by hand.
@Suite struct TowersApartTests {
  private static let (paper, full) = ("the paper's exchange", "full exchange")
  private let scope = Scope(seeds: 2, epochs: 1, network: "x")

  /// A run whose towers have these mean colour shares; random divisions are as far apart with the
  /// given chance.
  private func run(
    _ arm: String, _ seed: Int, _ colours: (Double, Double), chance: Double,
    _ more: [String: Double] = [:]
  ) -> RunRecord {
    var record = RunRecord(PlannedRun(arm, seed: seed, []))
    record.figures = [
      "colour of tower 0": colours.0, "colour of tower 1": colours.1, "colour chance": chance,
      "colour apart": abs(colours.0 - colours.1),
    ].merging(more) { $1 }
    return record
  }

  @Test func towersAreComparedRunByRun() {
    let result = TowersApart.result(
      scope,
      [
        run(
          Self.full, 1, (0.2, 0.25), chance: 0.4, ["colour apart by chance": 0.06, "error": 49]),
        run(
          Self.paper, 2, (0.44, 0.2), chance: 0.0001,
          [
            "colour apart by chance": 0.07, "error": 52, "orientation of tower 0": 0.5,
            "orientation of tower 1": 0.75, "orientation chance": 1,
          ]),
        run(
          Self.paper, 1, (0.1, 0.3), chance: 0.01,
          [
            "colour apart by chance": 0.05, "error": 50, "orientation of tower 0": 0.8,
            "orientation of tower 1": 0.6, "orientation chance": 0.03,
          ]),
        run(
          Self.full, 2, (0.1, 0.3), chance: 0.04, ["colour apart by chance": 0.1, "error": 51]),
      ])
    #expect(
      result.rows == [
        [Self.paper, "1", "50.00", "0.100 / 0.300", "0.0100", "0.800 / 0.600", "0.0300"],
        [Self.paper, "2", "52.00", "0.440 / 0.200", "0.0001", "0.500 / 0.750", "1.0000"],
        [Self.full, "1", "49.00", "0.200 / 0.250", "0.4000", "- / -", "-"],
        [Self.full, "2", "51.00", "0.100 / 0.300", "0.0400", "- / -", "-"],
      ])
    // 0.2 and 0.24: s = 0.02828, +- 12.706 s / sqrt(2) = 0.2541; by chance 0.05 and 0.07.
    #expect(
      result.notes[1]
        == "the paper's exchange: the towers' mean colour shares are 0.220 ± 0.028 apart (95 % "
        + "interval -0.034 to 0.474), those of random divisions of the same kernels 0.060 ± 0.014; "
        + "in 2 of 2 runs fewer than 5 % of random divisions are as far apart.")
    // 0.05 and 0.2: s = 0.1061, +- 0.953; by chance 0.06 and 0.1.
    #expect(
      result.notes[2]
        == "full exchange: the towers' mean colour shares are 0.125 ± 0.106 apart (95 % interval "
        + "-0.828 to 1.078), those of random divisions of the same kernels 0.080 ± 0.028; in 1 of "
        + "2 runs fewer than 5 % of random divisions are as far apart.")
    #expect(result.notes[3].contains("and not by chance, in 2 of 2 runs."), "\(result.notes)")
    #expect(result.notes[3].hasSuffix("Verdict on a tower for colour in every run: shown."))
    #expect(result.notes.count == 4)
  }

  /// The verdict asks for twice the colour, beyond chance, in every run of the paper's exchange.
  @Test func aTowerForColourHasTwiceTheOthers() {
    func verdict(_ records: [RunRecord]) -> String {
      String(TowersApart.result(scope, records).notes[3].split(separator: "in every run: ")[1])
    }
    let clear = run(Self.paper, 1, (0.1, 0.9), chance: 0.0001)
    func other(_ first: Double, _ second: Double, _ chance: Double) -> RunRecord {
      run(Self.paper, 2, (first, second), chance: chance)
    }
    // Exactly twice is twice, in whichever tower.
    #expect(verdict([clear, other(0.25, 0.5, 0.049)]) == "shown.")
    #expect(verdict([clear, other(0.5, 0.25, 0.049)]) == "shown.")
    #expect(verdict([clear, other(0.25, 0.49, 0.0001)]) == "not shown.")
    #expect(verdict([clear, other(0.1, 0.9, 0.05)]) == "not shown.")
    // A run that diverged has no kernels to look at.
    #expect(verdict([clear, RunRecord(PlannedRun(Self.paper, seed: 2, []))]) == "not shown.")
    // One run says nothing of every run, nor do those of another exchange.
    #expect(verdict([clear]) == "too small to tell here.")
    let others = [1, 2].map { run(Self.full, $0, (0.1, 0.9), chance: 0.0001) }
    #expect(verdict([clear] + others) == "too small to tell here.")
  }
}
