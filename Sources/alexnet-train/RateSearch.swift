import Data
import Foundation
import MPI
import ModelParallel
import Networks
import Options
import Report
import System
import Training

/// `--find-rate`: the learning-rate range test in place of a run.
extension TrainCommand {
  /// The steps of a test where --max-steps says nothing, and the fewest.
  private static var testSteps: Int { 100 }
  private static var fewestTestSteps: Int { 20 }

  /// Refuses options that only a run has, or only the test.
  func checkRateSearch() throws(Failure) {
    let ofTest: [any AnyOption] = [TrainOptions.rateChart, TrainOptions.rates]
    // Docs/Training.md and the help list the same.
    let ofRuns: [any AnyOption] = [
      TrainOptions.out, TrainOptions.resume, TrainOptions.dryRun, TrainOptions.timeline,
      RecordedOptions.learningRate, RecordedOptions.baseBatch, RecordedOptions.warmUp,
      TrainOptions.schedule, TrainOptions.divideRateAt, RecordedOptions.epochs,
    ]
    guard arguments[TrainOptions.findRate] else {
      for name in ofTest.filter(arguments.has).map(\.declaration.name) {
        throw Failure(.usage, "--\(name) needs --find-rate, whose test it is about.")
      }
      return
    }
    let wrong = ofRuns.filter(arguments.has).map { arguments.naming($0) }
    guard let last = wrong.last else { return }
    let names = wrong.count == 1 ? last : wrong.dropLast().joined(separator: ", ") + " and " + last
    throw Failure(
      .usage,
      "--find-rate tests one learning rate after the other and leaves no run behind, so \(names) "
        + (wrong.count == 1
          ? "means nothing to it; leave it out." : "mean nothing to it; leave them out."))
  }

  /// Runs the test, and draws and explains what it saw.
  func findRate(
    _ plan: TrainPlan, _ settings: TrainingSettings, _ dataset: Dataset,
    _ parallelism: Parallelism
  ) throws -> ExitCode {
    let rates = arguments[TrainOptions.rates]
    let given = arguments.has(RecordedOptions.maxSteps) ? settings.maxSteps : nil
    let steps = given ?? Self.testSteps
    guard steps >= Self.fewestTestSteps else {
      throw Failure(
        .usage,
        "--find-rate needs --max-steps \(Self.fewestTestSteps) or more: rates are compared "
          + "over several steps.")
    }
    say(
      "Testing learning rates from \(plain(rates.lowerBound)) to \(plain(rates.upperBound)) in "
        + "\(steps) steps of \(settings.recipe.batchSize).\n")
    let finder = try RateFinder(
      settings, dataset, plan.placement, parallelism, world,
      startingFrom: startingWeights(settings, dataset), threads: plan.cores.threads)
    let found = try finder.run(
      RateTest(rates, steps: steps, classes: settings.network.classes)
    ) { point, step in
      guard step % 10 == 0 else { return }
      say(
        "step \(step)/\(steps)  lr \(plain(point.rate, digits: 3))  loss "
          + "\(plain(point.smoothed, digits: 4))\n")
    }
    guard let test = found else {
      say("Stopped before the end of the test.\n")
      return .savedUnfinished
    }
    // The suggestion is what the test was for: no drawing that fails may take it away. And no
    // output that is full may take the chart's file away.
    let suggestion = Result { try test.suggestion }
    let shown = Result {
      if case .success(let suggestion) = suggestion { try show(words(suggestion, settings.recipe)) }
    }
    if world.rank == 0 { try draw(test) }
    try shown.get()
    _ = try suggestion.get()
    return .done
  }

  /// What is suggested, so that it is right where it is followed with the same settings.
  ///
  /// The test's rates are those of the whole batch; a run multiplies what it is given where the
  /// record of --config has a base batch.
  private func words(_ suggestion: RateTest.Suggestion, _ recipe: Recipe) -> String {
    guard let base = recipe.baseBatch, base != recipe.batchSize else {
      return "Suggestion: --learning-rate \(plain(suggestion.rate)), \(suggestion.reason).\n"
    }
    let factor = Double(recipe.batchSize) / Double(base)
    return "Suggestion: --learning-rate \(plain(suggestion.rate / factor, digits: 3)), which the "
      + "recorded --base-batch \(base) multiplies by \(plain(factor, digits: 6)) to "
      + "\(plain(suggestion.rate)) for the batch of \(recipe.batchSize): \(suggestion.reason).\n"
  }

  private func draw(_ test: RateTest) throws(Failure) {
    // An explosion at the end would leave nothing to see of what comes before it.
    let ceiling = 2 * (test.points.first?.smoothed ?? 1)
    let shown = test.points.prefix { $0.smoothed < ceiling }
    func curve(_ value: (RateTest.Point) -> Double) -> Curve {
      Curve(shown.map { Curve.Point($0.rate.logarithm, min(value($0), ceiling)) })
    }
    var chart = Chart(
      "Loss by learning rate", x: "log10 of the learning rate", y: "loss",
      [
        Chart.Series("single steps", curve(\.loss), colour: 1, isFaint: true),
        Chart.Series("smoothed", curve(\.smoothed), colour: 0),
      ])
    if let rate = try? test.suggestion.rate {
      chart.marks = [rate.logarithm]
      chart.markTitle = "suggestion: \(plain(rate))"
    }
    if let path = arguments[TrainOptions.rateChart] {
      try TextFile.write(lines: try chart.svgFile(), to: path)
      try StandardStream.confirm("The curve is in \(quoted(path)).\n", of: path)
    }
    do throws(Failure) {
      try show(chart.text(width: 79, height: 20))
    } catch {
      // The suggestion does not depend on the drawing.
      guard error.exitCode == .inputMissing else { throw error }
      say("\(error.message)\n")
    }
  }
}

extension Double {
  fileprivate var logarithm: Double { log10(self) }
}
