import Experiments
import System
import Testing

@Suite struct PlanTests {
  private func record(_ run: PlannedRun, _ figures: [String: Double]) -> RunRecord {
    var record = RunRecord(run)
    record.figures = figures
    return record
  }

  @Test(arguments: Experiments.all.indices)
  func runsHaveNamesOfTheirOwnAndAreTheSameEachTime(_ place: Int) throws {
    let experiment = Experiments.all[place]
    var scope = experiment.standard
    scope.datasets = experiment.datasets.lowerBound
    let runs = try experiment.runs(scope, after: [])
    #expect(try !runs.isEmpty && runs == experiment.runs(scope, after: []))
    #expect(Set(runs.map(\.name)).count == runs.count)
    for run in runs {
      #expect(
        run.name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || ".-".contains($0)) })
    }
    // A table and a figure for what there is so far: nothing.
    let result = experiment.result(scope, [])
    #expect(result.rows.allSatisfy { $0.count == result.heading.count })
  }

  @Test func optionsOfTheUserStandInForTheExperiments() {
    var scope = Scope(seeds: 1, epochs: 4, network: "alexnet-64")
    scope.with = ["--max-steps", "9", "--epochs", "2"]
    #expect(
      scope.words(["--max-steps 600", "--variant tanh", "--variant no-dropout"]) == [
        "--network", "alexnet-64", "--batch-size", "128", "--variant", "tanh", "--variant",
        "no-dropout", "--max-steps", "9", "--epochs", "2",
      ])
    #expect(scope.fixedSchedule == "--divide-rate-at 2.4,3.4")
    scope.with = []
    #expect(
      scope.words(["--batch-size 32"]) == [
        "--network", "alexnet-64", "--epochs", "4", "--batch-size", "32",
      ])
  }

  @Test func namesOfRunsBecomeTheirFolders() {
    let run = PlannedRun("a b", seed: 2, ["--init-from", "run:other", "own:file.csv", "x"])
    #expect(
      run.words { "out/\($0)" }
        == ["--init-from", "out/other", "out/a-b-seed-2/file.csv", "x"])
  }

  @Test func seedsArePairedWhereBothAreThere() {
    let records = [("a", 1, 5.0), ("a", 2, 7), ("a", 3, 9), ("b", 3, 1), ("b", 1, 2)].map {
      record(PlannedRun($0.0, seed: $0.1, []), ["error": $0.2])
    }
    #expect(records.sample("error", of: "a").values == [5, 7, 9])
    #expect(records.difference("error", "a", from: "b").values == [3, 8])
  }

  // MARK: Figure 1's search

  private func rates(_ runs: [PlannedRun], _ arm: String) -> [String] {
    runs.filter { $0.arm.hasPrefix(arm) }.compactMap { run in
      run.words.firstIndex(of: "--learning-rate").map { run.words[$0 + 1] }
    }
  }

  @Test func theSearchGoesOnUntilTheBestRateHasAWorseOneOnBothSides() throws {
    let scope = Scope(seeds: 2, epochs: 8, network: "cifar-four-layer")
    var records: [RunRecord] = []
    /// relu: best at 0.03; tanh: best at 0.001, where 0.01 diverges.
    func finish(_ runs: [PlannedRun]) {
      let errors = ["0.003": 30.0, "0.01": 20, "0.03": 10, "0.1": 15, "0.001": 40, "0.0003": 50]
      for run in runs where !records.contains(where: { $0.run == run }) {
        let rate = rates([run], "")[0]
        let isTanh = run.words.contains("tanh")
        let error = isTanh ? (rate == "0.001" ? 5 : rate == "0.01" ? nil : 60) : errors[rate]
        records.append(record(run, error.map { ["end": $0] } ?? ["diverged": 1]))
      }
    }
    let first = try Figure1.runs(scope, after: [])
    #expect(rates(first, "search relu") == ["0.0003", "0.001", "0.003", "0.01"])
    #expect(first.allSatisfy { $0.seed > scope.seeds && $0.words.contains("2") })
    finish(first)
    let second = try Figure1.runs(scope, after: records)
    #expect(rates(second, "search relu").last == "0.03")
    // tanh's best is within the rates tried: its seeds can run.
    #expect(rates(second, "tanh") == ["0.001", "0.001"])
    finish(second.filter { $0.arm.hasPrefix("search") })
    let third = try Figure1.runs(scope, after: records)
    #expect(rates(third, "search relu").last == "0.1" && rates(third, "relu").isEmpty)
    finish(third.filter { $0.arm.hasPrefix("search") })
    let last = try Figure1.runs(scope, after: records)
    #expect(rates(last, "relu") == ["0.03", "0.03"] && last.count == 6 + 4 + 4)
  }

  @Test func noRateThatLearnsIsAnError() throws {
    let scope = Scope(seeds: 2, epochs: 8, network: "cifar-four-layer")
    let records = try Figure1.runs(scope, after: []).map { record($0, ["diverged": 1]) }
    #expect(throws: Failure.self) { try Figure1.runs(scope, after: records) }
  }

  @Test func theRatioOfFigure1WorkedByHand() {
    let scope = Scope(seeds: 2, epochs: 8, network: "cifar-four-layer")
    // relu comes from 50 to 10 in straight lines, tanh to 24: every run reaches 24 %.
    func run(_ arm: String, _ seed: Int, _ curve: [[Double]]) -> RunRecord {
      var record = RunRecord(PlannedRun(arm, seed: seed, ["--learning-rate", "0.01"]))
      record.curve = curve
      return record
    }
    let result = Figure1.result(
      scope,
      [
        run("relu", 1, [[0, 50], [1, 14], [2, 10]]),
        run("relu", 2, [[0, 60], [1, 24], [2, 12]]),
        run("tanh", 1, [[0, 50], [2, 34], [4, 14]]), run("tanh", 2, [[0, 60], [4, 23.5]]),
      ])
    // relu: 26 / 36 and 1 epochs; tanh: 3 and 4 x 36 / 36.5.
    // Ratios 4.1538 and 3.9452: mean 4.0495, s 0.1475, interval +- 12.706 s / sqrt(2) = 1.325.
    #expect(result.rows.map { $0[3] } == ["0.86 ± 0.20", "3.47 ± 0.67"])
    #expect(result.notes[0].contains("takes 4.05 ± 0.15 times"), "\(result.notes[0])")
    #expect(result.notes[0].contains("error of 24 % (95 % interval 2.72 to 5.38, 2 pairs"))
    #expect(result.notes[1].hasSuffix("shown."))
  }

  @Test func theLinearRuleTakesTheSmallBatchsRateAndLARSHasItsOwn() throws {
    let scope = Scope(seeds: 2, epochs: 8, network: "x")
    let first = try LargeBatch.runs(scope, after: [])
    #expect(rates(first, "search small") == ["0.001", "0.003", "0.01"])
    // The middle rate is the best in the search of the small batch and of LARS, none of SGD's.
    let best = ["small batch": "0.003", "large batch, LARS": "10"]
    let records = first.map { run in
      let arm = run.arm.dropFirst("search ".count).split(separator: " ").dropLast().joined(
        separator: " ")
      return record(run, ["error": best[arm] == rates([run], "")[0] ? 5 : 9])
    }
    let second = try LargeBatch.runs(scope, after: records)
    #expect(rates(second, "large batch, linear rule") == ["0.003", "0.003"])
    #expect(rates(second, "large batch, LARS") == ["10", "10"])
    let rule = try #require(second.first { $0.arm == "large batch, linear rule" })
    let lars = try #require(second.first { $0.arm == "large batch, LARS" })
    func value(_ option: String, _ run: PlannedRun) -> String? {
      run.words.firstIndex(of: option).map { run.words[$0 + 1] }
    }
    #expect(value("--batch-size", rule) == "2048" && value("--accumulate", rule) == "16")
    #expect(value("--base-batch", rule) == "128" && value("--base-batch", lars) == "2048")

    let errors = [
      ("small batch", [10.0, 12]), ("large batch, linear rule", [15, 16.5]),
      ("large batch, LARS", [10, 12.5]),
    ]
    let result = LargeBatch.result(
      scope,
      errors.flatMap { arm, values in
        values.enumerated().map { seed, error in
          record(PlannedRun(arm, seed: seed + 1, []), ["error": error])
        }
      })
    // 5 and 4: mean 4.5, s 0.7071, +- 12.706 s / sqrt(2) = 6.353.
    #expect(result.notes[1].contains("linear rule: 4.50 ± 0.71 points more than LARS"))
    #expect(result.notes[1].contains("-1.85 to 10.85") && result.notes[1].contains("too small"))
    #expect(result.rows.map { $0[5] } == ["", "4.75 ± 0.35", "-", "0.25 ± 0.35"])
  }

  @Test func ablationsCompareSeedBySeed() {
    let errors = [
      ("whole", [10.0, 12, 14]), ("no LRN", [11, 13.5, 15.2]), ("half width", [14, 9, 13]),
    ]
    let records = errors.flatMap { arm, values in
      values.enumerated().map { seed, error in
        record(PlannedRun(arm, seed: seed + 1, []), ["error": error, "training error": error / 2])
      }
    }
    let rows = Ablations.result(Scope(seeds: 3, epochs: 1, network: "x"), records).rows
    func row(_ name: String) -> [String] { rows.first { $0[0] == name } ?? [] }
    #expect(row("whole") == ["whole", "3", "12.00 ± 2.00", "", "", "", "", ""])
    // 1, 1.5, 1.2: mean 1.2333, s 0.2517, +- 4.3027 s / sqrt(3) = 0.6252.
    #expect(
      row("no LRN").prefix(5) == ["no LRN", "3", "13.23 ± 2.11", "1.23 ± 0.25", "0.61 to 1.86"])
    #expect(row("no LRN").last == "shown")
    // 4, -3, -1: nothing can be told, and the paper claims nothing.
    #expect(row("half width")[3] == "0.00 ± 3.61" && row("half width").last == "")
    #expect(row("no dropout")[2] == "-")
  }

  @Test func aFileIsReadAsItWasWritten() throws {
    let file = ExperimentFile(
      experiment: "figure-1", program: "p", datasets: ["d"],
      scope: Scope(seeds: 2, epochs: 3, network: "n"),
      records: [record(PlannedRun("relu", seed: 1, ["--x", "1"]), ["end": 0.1])])
    #expect(try ExperimentFile(file.json, from: "file") == file)
    #expect(throws: Failure.self) { try ExperimentFile("{}", from: "file") }
  }
}
