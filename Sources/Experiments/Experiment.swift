import Foundation
package import Report
package import System

/// A claim of the paper, tried: a list of runs, what is read from their records, and what follows.
package protocol Experiment: Sendable {
  /// Its name on the command line.
  static var name: String { get }
  /// One line for the help text.
  static var summary: String { get }
  /// What the paper, or somebody else, says.
  static var claim: String { get }
  /// The size at which it is made unless options say otherwise.
  static var standard: Scope { get }
  /// How many datasets it needs.
  static var datasets: ClosedRange<Int> { get }
  /// Whether it says anything only of coloured pictures.
  static var needsColour: Bool { get }

  /// The runs that can be made now: those of the first stage, and of the next where the results of
  /// the stage before are there.
  static func runs(_ scope: Scope, after records: [RunRecord]) throws(Failure) -> [PlannedRun]
  /// Adds what is read from a training to its record.
  static func read(_ run: RunMetrics, into record: inout RunRecord) throws(Failure)
  /// Adds what is read from an evaluation to its record.
  static func read(
    _ figures: Evaluated, _ run: PlannedRun, folder: (String) -> String,
    into record: inout RunRecord
  ) throws(Failure)
  /// Adds what can be told of a training that diverged; nothing unless an experiment says so.
  static func readDiverged(_ run: RunMetrics, into record: inout RunRecord) throws(Failure)
  /// The runs of later stages, as far as they can be told before results are there, to say what
  /// they will take.
  static func later(_ scope: Scope) -> [PlannedRun]
  /// What the finished runs say.
  static func result(_ scope: Scope, _ records: [RunRecord]) -> ExperimentResult
}

extension Experiment {
  package static var datasets: ClosedRange<Int> { 1...1 }

  package static var needsColour: Bool { false }

  package static func later(_ scope: Scope) -> [PlannedRun] { [] }

  package static func readDiverged(
    _ run: RunMetrics, into record: inout RunRecord
  ) throws(Failure) {}

  package static func read(
    _ figures: Evaluated, _ run: PlannedRun, folder: (String) -> String,
    into record: inout RunRecord
  ) throws(Failure) {}

  /// The last validation's error and loss.
  package static func read(_ run: RunMetrics, into record: inout RunRecord) throws(Failure) {
    if let last = run.validations.last {
      record.figures["error"] = last.top1Error
      record.figures["loss"] = last.loss
    }
  }
}

/// All experiments.
package enum Experiments {
  package static let all: [any Experiment.Type] = [
    Figure1.self, RecipeQuestion.self, Ablations.self, FashionMNIST.self, Ensembles.self,
    FineTuned.self, TowersApart.self, ParallelWays.self, TenCrops.self, LargeBatch.self,
  ]
}

/// The word for what an experiment shows.
package enum Verdict: String, Codable, Sendable {
  case shown
  case notShown = "not shown"
  case opposite
  case tooSmall = "too small to tell here"

  /// The verdict on a claim that a mean is above a number: by where its interval lies.
  package init(_ sample: Sample, above number: Double) {
    self.init(sample.interval, above: number)
  }

  /// The same of an interval; nil where there is none.
  package init(_ interval: ClosedRange<Double>?, above number: Double) {
    guard let interval else {
      self = .tooSmall
      return
    }
    self =
      interval.lowerBound > number
      ? .shown : interval.upperBound < number ? .opposite : .tooSmall
  }

  /// The verdict on a claim that a mean is within a distance of 0.
  package init(_ sample: Sample, within distance: Double?) {
    guard let interval = sample.interval, let distance else {
      self = .tooSmall
      return
    }
    self =
      interval.lowerBound > -distance && interval.upperBound < distance
      ? .shown
      : interval.lowerBound > distance || interval.upperBound < -distance ? .opposite : .tooSmall
  }
}

/// What an experiment's runs say, ready to be shown.
package struct ExperimentResult: Sendable {
  /// The heading of a table and its rows.
  package var heading: [String]
  package var rows: [[String]]
  /// Sentences under the table.
  package var notes: [String] = []
  /// The figure.
  package var figure: Figure

  /// Curves, or means with their intervals.
  package enum Figure: Sendable {
    case chart(Chart)
    case intervals(IntervalPicture)
  }

  package init(heading: [String], rows: [[String]], notes: [String] = [], figure: Figure) {
    self.heading = heading
    self.rows = rows
    self.notes = notes
    self.figure = figure
  }

  /// The table as Markdown, which is as readable in a terminal.
  package var table: String {
    let widths = heading.indices.map { column in
      ([heading] + rows).map { $0[column].count }.max() ?? 0
    }
    func line(_ cells: [String]) -> String {
      "| "
        + zip(cells, widths).enumerated().map { place, cell in
          (place == 0 ? Column.left(cell.1) : .right(cell.1)).fitted(cell.0)
        }.joined(separator: " | ") + " |"
    }
    let rule =
      "|"
      + widths.enumerated().map { place, width in
        place == 0
          ? String(repeating: "-", count: width + 2)
          : String(repeating: "-", count: width + 1) + ":"
      }.joined(separator: "|") + "|"
    return ([line(heading), rule] + rows.map(line)).joined(separator: "\n") + "\n"
  }

  /// The figure as an SVG file.
  package func svg() throws(Failure) -> String {
    switch figure {
    case .chart(let chart): try chart.svgFile()
    case .intervals(let picture): picture.svgFile
    }
  }
}

/// A number with some digits behind the point, as tables show it; `-` where there is none.
func shown(_ number: Double?, _ digits: Int = 2) -> String {
  guard let number, number.isFinite else { return "-" }
  let text = String(format: "%.\(digits)f", number)
  return text.hasPrefix("-") && !text.contains { ("1"..."9").contains($0) }
    ? String(text.dropFirst()) : text
}

/// A mean and its standard deviation.
func shown(_ sample: Sample, _ digits: Int = 2) -> String {
  sample.values.isEmpty
    ? "-"
    : shown(sample.mean, digits) + (sample.deviation.map { " ± " + shown($0, digits) } ?? "")
}

/// An interval.
func shown(_ interval: ClosedRange<Double>?, _ digits: Int = 2) -> String {
  interval.map { shown($0.lowerBound, digits) + " to " + shown($0.upperBound, digits) } ?? "-"
}
