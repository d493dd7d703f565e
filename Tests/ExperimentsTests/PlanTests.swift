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

  @Test func whatDivergesIsNoFairSample() {
    func runs(_ arm: String, _ errors: [Double?]) -> [RunRecord] {
      errors.enumerated().map { seed, error in
        record(
          PlannedRun(arm, seed: seed + 1, []), error.map { ["error": $0] } ?? ["diverged": 1])
      }
    }
    func verdict(_ one: [Double?], _ other: [Double?]) -> Verdict {
      (runs("a", one) + runs("b", other)).verdict("error", of: "a", above: "b")
    }
    #expect(verdict([5, 6, 7], [1, 2, 3.1]) == .shown)
    // Three of three against none of three: by chance one in twenty; of two, one in six.
    #expect(verdict([nil, nil, nil], [1, 2, 3]) == .shown)
    #expect(verdict([1, 2, 3], [nil, nil, nil]) == .opposite)
    #expect(verdict([nil, nil], [1, 2]) == .tooSmall)
    // The two that are left would show it.
    #expect(verdict([5, 6, nil], [1, 2.01, 3]) == .tooSmall)
    #expect(verdict([nil, nil], [nil, 2]) == .tooSmall && verdict([], [1, nil]) == .tooSmall)
    #expect(runs("a", [1, nil, 2]).count("error", of: "a") == "2 of 3")
    #expect(runs("a", [1, nil, 2]).seeds(of: "a") == [1, 3])
  }

  @Test func optionsForAllRunsMustNotUndoTheirDifferences() throws {
    func check(_ experiment: any Experiment.Type, _ with: String) throws {
      var scope = experiment.standard
      scope.with = with.split(separator: " ").map(String.init)
      scope.datasets = experiment.datasets.lowerBound
      try scope.check(experiment)
    }
    let refused: [(any Experiment.Type, String)] = [
      (RecipeQuestion.self, "--batch-size 64"), (Figure1.self, "--learning-rate 0.01"),
      (Ablations.self, "--weight-decay 0.001"), (LargeBatch.self, "--optimiser sgd"),
      (Ablations.self, "--epochs=3"), (Figure1.self, "--seed 3"),
      (Ablations.self, "--config file.json"), (Figure1.self, "--variant tanh"),
      (Ablations.self, "--variant no-dropout"),
    ]
    for (experiment, with) in refused {
      #expect(throws: Failure.self, "\(experiment.name) \(with)") { try check(experiment, with) }
    }
    try check(RecipeQuestion.self, "--max-steps 50 --threads 1")
    try check(Ablations.self, "--learning-rate 0.003 --variant tanh")
  }

  @Test func whatHasLearntNothingIsNotFineTuned() throws {
    var scope = FineTuned.standard
    (scope.datasets, scope.seeds) = (2, 2)
    let first = try FineTuned.runs(scope, after: [])
    let good = first.map { record($0, ["error": 40]) }
    #expect(try FineTuned.runs(scope, after: good).count > first.count)
    let stuck = [good[0], record(first[1], ["error": 99, "at chance": 1])]
    let failure = #expect(throws: Failure.self) { try FineTuned.runs(scope, after: stuck) }
    #expect(failure?.message.contains("'pretrained-seed-2'") == true)
    let file = ExperimentFile(
      experiment: "fine-tune", program: "p", datasets: [], scope: scope, records: stuck)
    let page = file.page(FineTuned.self, FineTuned.result(scope, stuck))
    #expect(page.contains("No better than guessing at the end: 'pretrained-seed-2'."))
  }

  @Test func tuningsHaveAsManyStepsAndTrainingsFromTheStartFourTimes() throws {
    var scope = Scope(seeds: 1, epochs: 3, network: "alexnet-64")
    (scope.datasets, scope.pictures) = (3, [40_000, 500, 2000])
    let first = try FineTuned.runs(scope, after: [])
    let runs = try FineTuned.runs(scope, after: first.map(RunRecord.init))
    // 400 steps of 128 are 51,200 pictures, 102 and 26 epochs; 1,600 are 410 and 102.
    for (data, tuned, scratch) in [(1, "102", "410"), (2, "26", "102")] {
      let own = runs.filter { $0.data == data }
      #expect(own.count == 3)
      for run in own {
        let epochs = run.words.contains("--init-from") ? tuned : scratch
        #expect(run.words.contains(epochs) && run.words.contains("alexnet-64"), "\(run.words)")
      }
    }
    // Nothing is tuned that does not come from a network.
    var diverged = RunRecord(first[0])
    diverged.figures["diverged"] = 1
    #expect(try FineTuned.runs(scope, after: [diverged]) == first)
  }

  @Test func whatIsComparedPictureByPictureComesLater() throws {
    let scope = Scope(seeds: 2, epochs: 1, network: "x")
    let experiments: [any Experiment.Type] = [TenCrops.self, Ensembles.self]
    for experiment in experiments {
      var records: [RunRecord] = []
      var stages: [Int] = []
      while stages.last != records.count {
        stages.append(records.count)
        records = try experiment.runs(scope, after: records).map(RunRecord.init)
      }
      // Two networks, two evaluations, and what is read beside these.
      #expect(stages.prefix(3) == [0, 2, 4] && stages.count == 4)
      #expect(Set(experiment.later(scope)) == Set(records.map(\.run).dropFirst(2)))
    }
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
    // At 25 %: relu 25/36 and 35/36 epochs, tanh 2.9 and 3.8356; ratios 4.176 and 3.9452.
    #expect(result.notes[1].contains("it takes 4.06 ± 0.16 times"), "\(result.notes[1])")
    #expect(result.notes[2].contains("faster: shown; on six times as fast or more: opposite."))
  }

  @Test func aRunThatIsStuckIsNamedAndNoLevelOfTheOthers() {
    let scope = Scope(seeds: 2, epochs: 8, network: "cifar-four-layer")
    var records: [RunRecord] = []
    for arm in ["relu", "tanh"] {
      for seed in 1...3 {
        var record = RunRecord(PlannedRun(arm, seed: seed, []))
        record.curve = [[0, 50], [arm == "relu" ? 1 : 2, 10]]
        if arm == "relu", seed == 2 { record.curve = [[0, 90], [1, 90.2]] }
        if arm == "relu", seed == 3 { (record.curve, record.figures["diverged"]) = ([], 1) }
        records.append(record)
      }
    }
    let result = Figure1.result(scope, records)
    #expect(result.rows.map { $0[2] } == ["1 of 3", "3 of 3"])
    #expect(result.notes[0].contains("takes 2.00 times"), "\(result.notes)")
    #expect(result.notes.contains { $0.hasPrefix("Without 'relu-seed-2', 'relu-seed-3'") })
    #expect(
      result.notes.contains { $0.contains("faster: too small to tell here; on six") },
      "\(result.notes)")
  }

  @Test func theLinearRuleTakesTheSmallBatchsRateAndLARSHasItsOwn() throws {
    let scope = Scope(seeds: 2, epochs: 8, network: "x")
    let first = try LargeBatch.runs(scope, after: [])
    #expect(rates(first, "search small") == ["0.001", "0.003", "0.01"])
    // The middle rate is the best in the search of the small batch and of LARS; of SGD's the last
    // one, so that its search goes on.
    let best = [
      "small batch": "0.003", "large batch, LARS": "10", "large batch, SGD's best rate": "0.03",
    ]
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
    // 0 and 0.5 more than the small batch, whose seeds are 1.41 apart: 0.25 +- 3.18.
    #expect(result.notes[3].contains("(1.41 points): too small"), "\(result.notes)")
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
    // A run that is there twice would count twice.
    var twice = file
    twice.records += twice.records
    #expect(throws: Failure.self) { try ExperimentFile(twice.json, from: "file") }
    // Sizes that no experiment has, and points of a curve without a height.
    for change: (inout ExperimentFile) -> Void in [
      { $0.scope.seeds = .max }, { $0.scope.epochs = 0 }, { $0.scope.batchSize = .max },
      { $0.scope.datasets = -1 }, { $0.scope.datasets = 2 }, { $0.scope.pictures = [] },
      { $0.records[0].curve = [[1]] }, { $0.records[0].run.data = -1 },
    ] {
      var damaged = file
      change(&damaged)
      let failure = #expect(throws: Failure.self) {
        try ExperimentFile(damaged.json, from: "file")
      }
      #expect(failure?.exitCode == .badData)
    }
  }

  @Test func whatIsMissingMakesTheRestABound() {
    // code2012 begins 30 and 20 steps earlier; a third seed never does.
    func result(_ paper: [Double?], _ code: [Double?]) -> [String] {
      var scope = RecipeQuestion.standard
      (scope.seeds, scope.batchSize) = (paper.count, 32)
      return RecipeQuestion.result(
        scope,
        [("paper", paper), ("code2012", code)].flatMap { kind, steps in
          steps.enumerated().map { seed, step in
            record(
              PlannedRun("\(kind), batch 32, dataset 1", seed: seed + 1, []),
              step.map { ["departure": $0, "classes": 10] } ?? ["classes": 10])
          }
        }
      ).notes.filter { $0.hasPrefix("code2012") }
    }
    #expect(result([60, 50, 55], [30, 30, 30])[0].contains(": 25 ± 5 steps earlier than paper"))
    #expect(result([60, 50, 55], [30, 30, nil])[0].contains(": at most 25 ± 7 steps earlier"))
    #expect(result([60, 50, nil], [30, 30, 30])[0].contains(": at least 25 ± 7 steps earlier"))
    #expect(result([30, 30, 30], [60, 50, nil])[0].contains(": at least 25 ± 7 steps later"))
    #expect(result([30, nil], [nil, 50])[0].contains("no seed began with both"))
  }

  @Test func datasetsOfOneSizeAreToldApartByTheirNumbers() {
    func titles(_ classes: [Double]) -> [String] {
      var scope = RecipeQuestion.standard
      (scope.seeds, scope.batchSize, scope.datasets) = (1, 32, classes.count)
      let records = classes.enumerated().map { data, classes in
        record(
          PlannedRun("paper, batch 32, dataset \(data + 1)", seed: 1, [], data: data),
          ["departure": 9, "classes": classes])
      }
      return RecipeQuestion.result(scope, records).rows.map { $0[0] }
        .filter { $0.hasPrefix("paper, batch") }
    }
    #expect(titles([10, 200]) == ["paper, batch 32, 10 classes", "paper, batch 32, 200 classes"])
    #expect(
      titles([10, 10]) == [1, 2].map { "paper, batch 32, 10 classes of dataset \($0)" })
  }

  @Test func howARunDiffersIsSaid() {
    let one = PlannedRun("a", seed: 1, ["--epochs", "2", "--variant", "tanh", "run:b"])
    let other = PlannedRun("a", seed: 1, ["--epochs", "4", "--variant", "tanh"])
    #expect(
      one.difference(from: other) == "with --epochs 2 --variant tanh run:b and without "
        + "--epochs 4 --variant tanh")
    #expect(!one.difference(from: one).isEmpty)
    #expect(one.sources == ["b"] && other.sources.isEmpty)
  }
}
