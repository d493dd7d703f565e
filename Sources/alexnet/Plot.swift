import Options
import Report
import System

/// `alexnet plot`: learning curves in the terminal.
enum Plot: Subcommand {
  static let name = "plot"
  static let summary = "draw the learning curves of runs in the terminal"

  private static let axis = Setting(
    "by", "epochs|hours", .word(of: ["epochs", "hours"]), default: "epochs",
    "The horizontal axis: epochs done, or time; a short run's is in minutes or seconds.")
  private static let width = Option(
    "width", "N", .integer(in: 40...1000), default: "the terminal's, or 79", "Width in columns.")
  private static let height = Setting(
    "height", "N", .integer(in: 10...1000), default: 20,
    "Height of a chart in lines, without its legend.")

  static let command = Command(
    "alexnet plot",
    overview: "Draws loss and error of one run, or of several, as text. Needs gnuplot.",
    synopsis: "RUN... [options]", takesOperands: true,
    groups: [
      ("How", [axis, SharedOptions.smoothing, width, height])
    ])

  static func run(_ words: [String]) throws(Failure) {
    let arguments = try command.parse(words)
    guard !arguments.operands.isEmpty else {
      throw Failure(.usage, "Name the folder of a run, or of several to compare.")
    }
    let axis: RunCharts.Axis = arguments[axis] == "hours" ? .hours : .epochs
    let width =
      arguments[Self.width] ?? min(1000, max(40, (StandardStream.output.columns ?? 80) - 1))
    let runs = try arguments.operands.map { path throws(Failure) in try RunMetrics(path) }
    for warning in runs.compactMap(\.warning) { StandardStream.error.tell("\(warning)\n") }
    let charts = RunCharts(runs, smoothing: arguments[SharedOptions.smoothing])
    let drawn = [charts.loss(over: axis), charts.errors(over: axis)].filter { !$0.isEmpty }
    guard !drawn.isEmpty else {
      throw Failure(.badData, "No step has been recorded yet; wait for the first ones.")
    }
    for chart in drawn {
      try StandardStream.output.write(chart.text(width: width, height: arguments[height]))
    }
  }
}
