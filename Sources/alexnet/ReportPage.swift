import AlexNet
import Data
import Evaluation
import Images
import Options
import Report
import System
import Training

/// `alexnet report`: a page about a run, or about several.
enum ReportPage: Subcommand {
  static let name = "report"
  static let summary = "make a page about a run: curves, kernels, predictions, confusions"

  private static let command = Command(
    "alexnet report",
    overview: """
      Writes one HTML file that needs nothing else: learning curves, the first layer's kernels, sample predictions,
      nearest neighbours, the confusion matrix, speed and settings. It also works while the run is training. Several
      runs are laid over each other, with the settings in which they differ. The charts are drawn by gnuplot.
      """,
    synopsis: "RUN... [options]", takesOperands: true,
    groups: [
      (
        "Output",
        [
          Option(
            "out", "FILE.html", default: "report.html in the run's folder", "The page to write."),
          Option("kernels", "FILE.png", "Write the first layer's kernels as a picture too."),
          Option(
            "smoothing", "STEPS", default: "20", "Steps over which training curves are smoothed."),
        ]
      ),
      (
        "Predictions",
        [
          Option("data", "DATASET", default: "the run's", "Where the validation images are."),
          Option(
            "images", "N", default: "2000",
            "Validation images to show to the network, evenly spread; 0 for none."),
          Option("threads", "N", default: "one for each core", "Threads to work with."),
        ]
      ),
    ])

  static func run(_ words: [String]) throws(Failure) {
    let arguments = try command.parse(words)
    if arguments.has("help") { return try StandardStream.output.write(command.helpText) }
    guard !arguments.operands.isEmpty else {
      throw Failure(.usage, "Name the folder of a run, or of several to compare.")
    }
    let smoothing = try arguments.number("smoothing", in: 0...1e6) ?? 20
    let limit = try arguments.integer("images", in: 0...Int.max) ?? 2000
    let threads = try arguments.integer("threads", in: 1...1024) ?? Affinity.coreCount
    let runs = try arguments.operands.map { path throws(Failure) in try RunMetrics(path) }
    for warning in runs.compactMap(\.warning) { StandardStream.error.tell("\(warning)\n") }
    let out =
      arguments.string("out")
      ?? (runs.count == 1 ? runs[0].directory.path + "/report.html" : "report.html")
    for path in [out] + arguments.strings("kernels") { try OutputPlace.check(path) }
    let (figures, note) = try figures(runs, arguments, limit: limit, threads: threads)
    let page = try RunReport(runs, figures: figures, note: note, smoothing: smoothing).html()
    try TextFile.write(lines: page, to: out)
    if let path = arguments.string("kernels") {
      guard let picture = try RunReport.kernels(of: runs[0]) else {
        throw Failure(
          .usage, "\(quoted(runs[0].directory.path)) has no checkpoint with kernels to draw yet.")
      }
      try picture.pixels.withUnsafeBufferPointer { pixels throws(Failure) in
        try PNGFile.write(pixels, width: picture.width, height: picture.height, to: path)
      }
    }
    try StandardStream.confirm(
      "Wrote \(quoted(out)), \(page.utf8.count / 1024) KiB.\n", of: out)
  }

  /// What the only run's newest checkpoint makes of images, or why that is not shown.
  private static func figures(
    _ runs: [RunMetrics], _ arguments: Arguments, limit: Int, threads: Int
  ) throws(Failure) -> (NetworkFigures?, String) {
    guard limit > 0 else { return (nil, "") }
    guard runs.count == 1 else {
      return (nil, "Name one run alone to see what its network makes of images.")
    }
    guard let checkpoint = try runs[0].directory.newestCheckpoint() else {
      return (nil, "The run has no checkpoint yet.")
    }
    let path = arguments.string("data") ?? runs[0].settings.dataset
    let dataset: Dataset
    do throws(Failure) { dataset = try Dataset(opening: path) } catch {
      // A dataset that was named has to be there; the run's own may be on another machine.
      if arguments.has("data") { throw error }
      return (
        nil, "The run's dataset is not on this machine; name it with --data. (\(error.message))"
      )
    }
    guard dataset.count(.validation) > 0 else {
      return (nil, "The dataset \(quoted(path)) has no validation images.")
    }
    do {
      return (
        try NetworkFigures(
          TrainedNetwork(opening: checkpoint), dataset, limit: limit, threads: threads
        ) { _, _ in }, ""
      )
    } catch { throw error as? Failure ?? Failure(.internal, "\(error)") }
  }
}
