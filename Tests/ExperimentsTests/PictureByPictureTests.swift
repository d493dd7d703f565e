import Experiments
import Foundation
import System
import TestSupport
import Testing

/// Experiments that compare networks picture by picture, worked by hand: ten crops with one, and
/// averaged networks with single ones.
@Suite struct PictureByPictureTests {
  private let scope = Scope(seeds: 2, epochs: 1, network: "x")

  private func record(_ arm: String, _ seed: Int, _ figures: [String: Double]) -> RunRecord {
    var record = RunRecord(PlannedRun(arm, seed: seed, [], program: .evaluate))
    record.figures = figures
    return record
  }

  @Test func theIntervalOfAMeanOverPictures() throws {
    // A hundred coins: s = 0.5, and 1.96 s / 10 = 0.098.
    let coins = try #require(Sample.interval(mean: 0.5, ofSquares: 0.5, count: 100))
    #expect(abs(coins.lowerBound - 0.402) < 1e-12 && abs(coins.upperBound - 0.598) < 1e-12)
    // 1, 0 and -1/2: mean 1/6, squares 5/12, s^2 = 5/12 - 1/36 = 7/18; 1.96 sqrt(7/54) = 0.70568.
    let gains = try #require(Sample.interval(mean: 1.0 / 6, ofSquares: 5.0 / 12, count: 3))
    #expect(abs(gains.lowerBound + 0.539014) < 1e-6 && abs(gains.upperBound - 0.872347) < 1e-6)
    // All equal: 0.1 * 0.1 is a little more than 0.01, and there is no root of what is left.
    #expect(Sample.interval(mean: 0.1, ofSquares: 0.01, count: 10) == 0.1...0.1)
    // No pictures, and no numbers.
    #expect(Sample.interval(mean: 0.5, ofSquares: 0.5, count: 0) == nil)
    #expect(Sample.interval(mean: .nan, ofSquares: 0.5, count: 10) == nil)
    #expect(Sample.interval(mean: 0.5, ofSquares: .infinity, count: 10) == nil)
  }

  // MARK: Ten crops

  /// The records of networks, each with its error on one crop and the pictures, of 200, that ten
  /// crops mend and spoil.
  private func crops(_ networks: [(error: Double, mended: Int, spoilt: Int)]) -> [RunRecord] {
    networks.enumerated().flatMap { place, network -> [RunRecord] in
      let better = Double(network.mended - network.spoilt) / 200
      return [
        record("one crop", place + 1, ["error": network.error, "images": 200]),
        record(
          "ten crops", place + 1,
          [
            "error": network.error - 100 * better, "images": 200,
            "mended": Double(network.mended), "spoilt": Double(network.spoilt),
          ]),
      ]
    }
  }

  @Test func mendedAndSpoiltPicturesAreTestedNetworkByNetwork() {
    let result = TenCrops.result(scope, crops([(40, 10, 1), (42, 8, 0)]))
    // 9 / 200 = 4.5 points: s^2 = 11/200 - 0.045^2, 1.96 s / sqrt(200) = 3.19 points; of 11 coins
    // at most one falls otherwise in 2 (1 + 11) / 2^11.
    #expect(
      result.rows[0] == [
        "seed 1", "40.00", "35.50", "4.50", "1.31 to 7.69", "10 / 1", "0.0117",
      ])
    // 8 / 200: s^2 = 0.04 - 0.04^2, 2.716 points; 2 / 2^8.
    #expect(
      result.rows[1] == ["seed 2", "42.00", "38.00", "4.00", "1.28 to 6.72", "8 / 0", "0.0078"])
    // 4.5 and 4: s = 0.3536, +- 12.706 s / sqrt(2) = 3.177.
    #expect(
      result.rows[2] == [
        "mean", "41.00 ± 1.41", "36.75 ± 1.77", "4.25 ± 0.35", "1.07 to 7.43", "", "",
      ])
    #expect(result.rows.count == 3)
    #expect(
      result.notes[0].contains("(p below 0.05): shown; on such networks, over seeds: shown."),
      "\(result.notes)")
  }

  @Test func allNetworksMustAgreeOnTenCrops() {
    func verdict(_ networks: [(error: Double, mended: Int, spoilt: Int)]) -> String {
      let note = TenCrops.result(scope, crops(networks)).notes[0]
      return String(note.split(separator: "(p below 0.05): ")[1].prefix { $0 != ";" })
    }
    #expect(verdict([(40, 1, 10), (42, 0, 8)]) == "opposite")
    // 8 of 10: 2 (1 + 10 + 45) / 2^10 = 0.11.
    #expect(verdict([(40, 10, 1), (42, 8, 2)]) == "too small to tell here")
    #expect(verdict([(40, 10, 1), (42, 1, 10)]) == "too small to tell here")
    #expect(verdict([(40, 10, 1)]) == "shown")
    // Five or six of as many: 2 / 32 and 2 / 64.
    #expect(verdict([(40, 5, 0)]) == "too small to tell here" && verdict([(40, 6, 0)]) == "shown")
  }

  @Test func equalNetworksHaveNoIntervalAndThoseThatCannotBeComparedNoRow() {
    // No picture differs: no interval, and what chance does anyway.
    let same = TenCrops.result(scope, crops([(40, 0, 0)]))
    #expect(same.rows[0] == ["seed 1", "40.00", "40.00", "0.00", "-", "0 / 0", "1.0000"])
    // Ten crops without one, and what cannot be counts of pictures.
    var records = crops([(40, 10, 1), (42, 10, 1), (44, 10, 1), (46, 10, 1)])
    records.removeAll { $0.run.arm == "one crop" && $0.run.seed == 1 }
    for (seed, mended) in [(2, 1.5), (3, -1)] {
      for place in records.indices
      where records[place].run.arm == "ten crops" && records[place].run.seed == seed {
        records[place].figures["mended"] = mended
      }
    }
    #expect(TenCrops.result(scope, records).rows.map { $0[0] } == ["seed 4", "mean"])
  }

  // MARK: Ensembles

  /// Three networks alone and in pairs, and all three together with some more figures.
  private func ensembles(_ whole: [String: Double]) -> [RunRecord] {
    let arms: [(name: String, errors: [Double], losses: [Double])] = [
      ("1 averaged", [10, 12, 14], [0.5, 0.6, 0.7]),
      ("2 averaged", [9, 10, 11], [0.4, 0.5, 0.45]),
    ]
    var records = arms.flatMap { name, errors, losses in
      errors.indices.map { record(name, $0 + 1, ["error": errors[$0], "loss": losses[$0]]) }
    }
    records.append(record("3 averaged", 1, whole.merging(["error": 9.25, "loss": 0.4]) { $1 }))
    return records
  }

  @Test func eachNetworkMoreBringsLess() {
    let gain = ["gain": 0.0275, "squared gain": 0.04, "images": 400]
    let result = Ensembles.result(scope, ensembles(gain))
    #expect(
      result.rows == [
        ["1 network", "3", "12.00 ± 2.00", "0.6000 ± 0.1000", "", ""],
        ["2 networks", "3", "10.00 ± 1.00", "0.4500 ± 0.0500", "2.00", "2.00"],
        ["3 networks", "1", "9.25", "0.4000", "0.75", "2.75"],
      ])
    // s^2 = 0.04 - 0.0275^2, 1.96 s / sqrt(400) = 1.941 points.
    #expect(
      result.notes[0].contains("The error of the 3 together is 2.75 points below the mean of")
        && result.notes[0].contains("(95 % interval over the pictures 0.81 to 4.69)")
        && result.notes[0].contains("the best of them alone has an error of 10.00 %"),
      "\(result.notes)")
    #expect(result.notes[0].hasSuffix("Verdict on averaging these networks: shown."))
    #expect(result.notes.count == 2)
  }

  @Test(
    arguments: [
      (0.0275, "0.81 to 4.69", "shown"), (-0.0275, "-4.69 to -0.81", "opposite"),
      (0.01, "-0.96 to 2.96", "too small to tell here"), (nil, "-", "too small to tell here"),
    ] as [(Double?, String, String)])
  func theVerdictOnAveragingIsWhereTheIntervalOfGainsLies(
    _ gain: Double?, _ interval: String, _ verdict: String
  ) {
    var whole = ["squared gain": 0.04, "images": 400]
    whole["gain"] = gain
    let note = Ensembles.result(scope, ensembles(whole)).notes[0]
    #expect(note.contains("over the pictures \(interval))"), "\(note)")
    #expect(note.hasSuffix("these networks: \(verdict)."), "\(note)")
  }

  @Test func fittedWeightsAreComparedWithEqualOnesOnTheSamePictures() {
    let fitted = record(
      "all, fitted weights", 1,
      [
        "error": 9.1, "loss": 0.39, "error with equal weights": 9.3,
        "loss with equal weights": 0.41,
      ])
    let notes = Ensembles.result(scope, ensembles([:]) + [fitted]).notes
    #expect(
      notes.last
        == "On the odd-numbered pictures, weights fitted on the others give an error of 9.10 % and "
        + "a loss of 0.3900, equal weights 9.30 % and 0.4100.")
  }

  @Test func whatIsNotThereYetIsNoFigure() {
    let single = ensembles([:]).filter { $0.run.arm == "1 averaged" }
    let result = Ensembles.result(scope, single)
    #expect(result.rows[1] == ["2 networks", "0", "-", "-", "-", "-"])
    // A network alone is no ensemble.
    let one = Ensembles.result(scope, [single[0]])
    #expect(one.rows == [["1 network", "1", "10.00", "0.5000", "", ""]] && one.notes.isEmpty)
  }

  // MARK: What is read of the predictions

  /// A folder with the predictions of runs, by name: of each picture whether it is a hit.
  private func folder(_ runs: [String: [Bool]]) throws -> TemporaryFolder {
    let folder = TemporaryFolder()
    for (run, hits) in runs {
      // Names that are alike but for what a reader of CSV might drop.
      let (name, other) = ("\"a, \"\"b\"\"\"", "\"a, b\"")
      let lines = hits.enumerated().map { number, isHit in
        "\(number).png,\(name),\(isHit ? name : other)"
      }
      let text = (["image,class,class1"] + lines).joined(separator: "\n") + "\n"
      try folder.write(Array(text.utf8), "\(run)/predictions.csv")
    }
    return folder
  }

  private func evaluated(_ text: String) throws -> Evaluated {
    try JSONDecoder().decode(Evaluated.self, from: Data(text.utf8))
  }

  @Test func picturesThatTenCropsMendOrSpoilAreCounted() throws {
    let folder = try folder([
      "one-crop-seed-2": [true, false, false, true, false, true],
      "ten-crops-seed-2": [true, true, true, false, false, true],
    ])
    let figures = try evaluated(#"{"figures":{"images":6,"loss":1.5,"top1Error":33.5}}"#)
    func read(_ arm: String) throws -> [String: Double] {
      var record = record(arm, 2, [:])
      try TenCrops.read(
        figures, record.run, folder: folder.file, into: &record)
      return record.figures
    }
    #expect(try read("one crop") == ["error": 33.5, "images": 6])
    #expect(
      try read("ten crops") == ["error": 33.5, "images": 6, "mended": 2, "spoilt": 1])
  }

  @Test func whatAnEnsembleGainsIsReadPictureByPicture() throws {
    let folder = try folder([
      "1-averaged-seed-1": [true, false, false, true],
      "1-averaged-seed-2": [true, true, true, false],
      "2-averaged-seed-1": [true, true, false, true],
    ])
    let figures = try evaluated(
      """
      {"figures":{"images":4,"loss":1.5,"top1Error":25},
       "equalWeights":{"images":2,"loss":1.25,"top1Error":50}}
      """)
    func read(_ run: PlannedRun) throws -> [String: Double] {
      var record = RunRecord(run)
      try Ensembles.read(
        figures, run, folder: folder.file, into: &record)
      return record.figures
    }
    let runs = Ensembles.later(scope)
    let common = [
      "error": 25, "loss": 1.5, "error with equal weights": 50, "loss with equal weights": 1.25,
    ]
    let whole = try #require(runs.first { $0.arm == "2 averaged" })
    // Of the two members 1, 1/2, 1/2 and 1/2 are right: 0, 1/2, -1/2 and 1/2 are gained.
    let gains = ["gain": 0.125, "squared gain": 0.1875, "images": 4]
    let expected = common.merging(gains) { $1 }
    #expect(try read(whole) == expected)
    for run in runs where run.name != whole.name { #expect(try read(run) == common) }
  }
}
