import Training

/// The charts of one or several runs; several runs share each chart.
package struct RunCharts {
  private let runs: [RunMetrics]
  private let smoothing: Double
  private let courses: [LearningRates]

  /// - Parameters:
  ///   - runs: The runs.
  ///   - smoothing: The number of steps over which training curves are smoothed.
  package init(_ runs: [RunMetrics], smoothing: Double) {
    self.runs = runs
    self.smoothing = smoothing
    courses = runs.map { LearningRates($0.steps.map(\.learningRate)) }
  }

  /// The quantity on the x axis.
  package enum Axis: String, CaseIterable {
    /// Epochs done.
    case epochs
    /// Time of training and validation.
    case hours
  }

  /// What the time of runs is counted in.
  package struct TimeUnit: Equatable, Sendable {
    /// Its name, in the plural.
    package let name: String
    /// How many of it an hour has.
    package let perHour: Double

    /// The unit of which there are at least two, where there are so many.
    package init(for hours: Double) {
      (name, perHour) =
        hours >= 2 ? ("hours", 1) : hours * 60 >= 2 ? ("minutes", 60) : ("seconds", 3600)
    }
  }

  /// The unit of the longest run.
  package var timeUnit: TimeUnit {
    TimeUnit(
      for: runs.reduce(0) { max($0, $1.steps.last?.hours ?? 0, $1.validations.last?.hours ?? 0) })
  }

  /// The label of an axis.
  package func title(of axis: Axis) -> String {
    axis == .epochs ? "epochs done" : timeUnit.name
  }

  private func place(_ epoch: Double, _ hours: Double, _ axis: Axis) -> Double {
    axis == .epochs ? epoch : hours * timeUnit.perHour
  }

  /// Training and validation loss.
  package func loss(over axis: Axis) -> Chart {
    var series: [Chart.Series] = []
    for (number, run) in runs.enumerated() {
      series += training("loss", run, number, axis) { $0.loss }
      series.append(
        validation("validation loss", run, colour: number, single: 1, axis) { $0.loss })
    }
    return chart("Loss", axis, y: "loss (nats)", series)
  }

  /// Training and validation errors.
  package func errors(over axis: Axis) -> Chart {
    var series: [Chart.Series] = []
    for (number, run) in runs.enumerated() {
      series += training("top-1 error", run, number, axis) { $0.error }
      series.append(
        validation("validation top-1", run, colour: number, single: 1, axis) { $0.top1Error })
      // With several runs, the top-1 errors fill a chart.
      guard runs.count == 1, run.validations.allSatisfy({ $0.top5Error != nil }) else { continue }
      series.append(
        validation("validation top-5", run, colour: 2, single: 2, axis) { $0.top5Error ?? .nan })
    }
    var chart = chart("Error", axis, y: "error (%)", series)
    chart.startsAtZero = true
    return chart
  }

  /// The learning rate; empty if nothing is to be seen that the other charts do not mark: if it
  /// is constant, or falls only in jumps, which a single run's curves have lines for.
  package func learningRate(over axis: Axis) -> Chart {
    let isShown = courses.contains { $0.isGradual || (runs.count > 1 && !$0.falls.isEmpty) }
    var chart = Chart(
      "Learning rate", x: title(of: axis), y: "learning rate",
      !isShown
        ? []
        : runs.enumerated().map { number, run in
          Chart.Series(
            runs.count == 1 ? "" : run.name,
            Curve(
              run.steps.map {
                Curve.Point(place($0.epoch, $0.hours, axis), $0.learningRate)
              }), colour: number)
        })
    // Jumps divide the rate, so that only the first would be seen on a linear axis. On a
    // logarithmic one, a cosine, which ends at 0, would fall off a cliff.
    let isCosine = runs.contains {
      if case .cosine = $0.settings.recipe.schedule { true } else { false }
    }
    chart.isLogarithmic = !isCosine && courses.contains { !$0.falls.isEmpty }
    chart.startsAtZero = !chart.isLogarithmic
    return chart
  }

  /// Images per second.
  package var throughput: Chart {
    var chart = Chart(
      "Throughput", x: "steps", y: "images a second",
      runs.enumerated().map { number, run in
        Chart.Series(
          runs.count == 1 ? "training" : run.name,
          Curve(
            run.steps.map {
              Curve.Point(
                Double($0.step), Double(run.settings.recipe.batchSize) / max($0.seconds, 1e-9))
            }
          ).smoothed(over: min(smoothing, 5)), colour: number)
      })
    chart.startsAtZero = true
    return chart
  }

  /// The shares of a step spent on exchanges and on waiting for images.
  package var shares: Chart {
    var series: [Chart.Series] = []
    for (number, run) in runs.enumerated() {
      let parts: [(String, (RunMetrics.Step) -> Double)] = [
        ("exchange", { $0.exchangeSeconds }), ("data wait", { $0.dataWaitSeconds }),
      ]
      for (part, (name, seconds)) in parts.enumerated() {
        series.append(
          Chart.Series(
            runs.count == 1 ? name : "\(run.name), \(name)",
            Curve(
              run.steps.map {
                Curve.Point(Double($0.step), 100 * seconds($0) / max($0.seconds, 1e-9))
              }
            ).smoothed(over: min(smoothing, 5)), colour: 2 * number + part))
      }
    }
    var chart = Chart("Exchange and data wait", x: "steps", y: "share of a step (%)", series)
    chart.startsAtZero = true
    return chart
  }

  /// How much a step changes each layer's weights, for one run.
  package var movement: Chart {
    layers("Update/weight ratio", y: "mean |update| / mean |weight|") {
      $0.update / $0.weight
    }
  }

  /// The number of dead kernels in each layer, for one run.
  package var deadKernels: Chart {
    var chart = layers("Dead kernels", y: "share of the kernels (%)") {
      100 * ($0.deadShare ?? .nan)
    }
    chart.isLogarithmic = false
    chart.startsAtZero = true
    return chart
  }

  private func layers(
    _ title: String, y: String, _ value: (LayerHealth) -> Double
  ) -> Chart {
    guard runs.count == 1, let first = runs[0].health.first else {
      return Chart(title, x: "steps", y: y, [])
    }
    var chart = Chart(
      title, x: "steps", y: y,
      first.layers.indices.map { number in
        Chart.Series(
          first.layers[number].name,
          Curve(
            runs[0].health.filter { number < $0.layers.count }.map {
              Curve.Point(Double($0.step), value($0.layers[number]))
            }), colour: number, hasPoints: true)
      })
    chart.isLogarithmic = true
    return chart
  }

  private func training(
    _ name: String, _ run: RunMetrics, _ number: Int, _ axis: Axis,
    _ height: (RunMetrics.Step) -> Double
  ) -> [Chart.Series] {
    let curve = Curve(
      run.steps.map { Curve.Point(place($0.epoch, $0.hours, axis), height($0)) })
    let smooth = Chart.Series(
      runs.count == 1 ? "training \(name)" : "\(run.name), training",
      curve.smoothed(over: smoothing),
      colour: number, isFaint: runs.count > 1)
    // For one run, the single steps are drawn behind their mean.
    return runs.count == 1
      ? [Chart.Series("", curve, colour: number, isFaint: true), smooth] : [smooth]
  }

  private func validation(
    _ name: String, _ run: RunMetrics, colour: Int, single: Int, _ axis: Axis,
    _ height: (RunMetrics.Validation) -> Double
  ) -> Chart.Series {
    Chart.Series(
      runs.count == 1 ? name : "\(run.name), validation",
      Curve(run.validations.map { Curve.Point(place($0.epoch, $0.hours, axis), height($0)) }),
      colour: runs.count == 1 ? single : colour, hasPoints: true)
  }

  private func chart(
    _ title: String, _ axis: Axis, y: String, _ series: [Chart.Series]
  ) -> Chart {
    var chart = Chart(title, x: self.title(of: axis), y: y, series)
    // With several runs, nothing would say whose line it is.
    guard runs.count == 1 else { return chart }
    chart.marks = courses[0].falls.map { number in
      place(runs[0].steps[number].epoch, runs[0].steps[number].hours, axis)
    }
    return chart
  }
}
