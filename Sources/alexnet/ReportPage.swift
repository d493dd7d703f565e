import AlexNet
import Data
import Evaluation
import HTTP
import Images
import Options
import Report
import System
import Training

/// `alexnet report`: writes a page about one or several runs.
enum ReportPage: Subcommand {
  static let name = "report"
  static let summary = "make a page about a run: curves, kernels, predictions, confusions"

  private static let out = Option(
    "out", "FILE.html", .path, default: "report.html in the run's folder", "The page to write.")
  private static let kernels = Option(
    "kernels", "FILE.png", .picture("png"), "Write the first layer's kernels as a picture too.")
  private static let images = Setting(
    "images", "N", .integer(in: 0...Int.max), default: 2000,
    "Validation images to show to the network, evenly spread; 0 for none.")

  private static let timeline = Option(
    "timeline", "FILE", .path,
    "What 'alexnet-train --timeline' has recorded: the page shows a step of it.")
  private static let step = Option(
    "step", "FILE.svg", .picture("svg"), "With --timeline: write the picture of the step too.")

  private static let serve = Option(
    "serve", "[HOST:]PORT", Reading { word, option in try ServerPlace(word, option: option) },
    "Give the page to browsers, and keep it fresh while training goes on; without HOST to those of "
      + "this machine only. Ctrl-C ends it.")
  private static let watch = Flag(
    "watch", "Write the file again and again while training goes on. Ctrl-C ends it.")

  static let command = Command(
    "alexnet report",
    overview: """
      Writes one self-contained HTML file: learning curves, the first layer's kernels, sample
      predictions, nearest neighbours, the confusion matrix, speed and settings. It also works while
      the run is training. Several runs share the charts, and their different settings are listed.
      gnuplot draws the charts.
      """,
    synopsis: "RUN... [options]", takesOperands: true,
    groups: [
      ("Output", [out, kernels, timeline, step, SharedOptions.smoothing]),
      ("While training goes on", [serve, watch]),
      ("Predictions", [SharedOptions.best, SharedOptions.dataset, images, SharedOptions.threads]),
    ])

  static func run(_ words: [String]) throws(Failure) {
    let arguments = try command.parse(words)
    guard !arguments.operands.isEmpty else {
      throw Failure(.usage, "Name the folder of a run, or of several to compare.")
    }
    guard arguments.has(timeline) || !arguments.has(step) else {
      throw Failure(.usage, "--step needs --timeline FILE, which it draws a step of.")
    }
    let isLiving = arguments.has(serve) || arguments[watch]
    for option in [kernels, step] where isLiving && arguments.has(option) {
      throw Failure(
        .usage,
        "--\(option.declaration.name) writes a picture once; give it without --serve and --watch.")
    }
    guard !arguments.has(Self.out) || arguments[watch] || !isLiving else {
      throw Failure(.usage, "--serve writes no file; add --watch to write --out too.")
    }
    let out =
      arguments[Self.out]
      ?? (arguments.operands.count == 1
        ? RunDirectory(arguments.operands[0]).path + "/report.html" : "report.html")
    if isLiving {
      if arguments[watch] {
        try arguments.checkOutputs(
          [Self.out], and: arguments.has(Self.out) ? [] : [("the page (--out)", out)])
      }
      // Pictures are made of a checkpoint once.
      var (shown, figures): (String?, (NetworkFigures?, String)) = (nil, (nil, ""))
      return try LivingReport(
        of: arguments.operands.map { RunDirectory($0) }, at: arguments[serve],
        file: arguments[watch] ? out : nil
      ).run { hasTime throws(Failure) in
        let contents = try Contents(arguments)
        if hasTime, contents.checkpoints[0]?.path != shown || shown == nil {
          figures = try Self.figures(contents.runs, contents.checkpoints[0], arguments)
          shown = contents.checkpoints[0]?.path
        }
        return try contents.report(arguments, figures).html(isLiving: true)
      }
    }
    let contents = try Contents(arguments)
    for warning in contents.runs.compactMap(\.warning) {
      StandardStream.error.tell("\(warning)\n")
    }
    try arguments.checkOutputs(
      [Self.out, kernels, step],
      and: arguments.has(Self.out) ? [] : [("the page (--out)", out)])
    for note in contents.checkpoints.compactMap({ $0?.note }) {
      StandardStream.error.tell("\(note)\n")
    }
    let page = try contents.report(
      arguments, figures(contents.runs, contents.checkpoints[0], arguments)
    ).html()
    try TextFile.write(lines: page, to: out)
    if let path = arguments[step], let picture = contents.step {
      try TextFile.write(lines: picture.svgFile, to: path)
    }
    if let path = arguments[kernels] {
      guard let picture = try RunReport.kernels(of: contents.runs[0], contents.checkpoints[0])
      else {
        throw Failure(
          .usage,
          "\(quoted(contents.runs[0].directory.path)) has no checkpoint with kernels to draw yet.")
      }
      try PNGFile.write(picture.pixels, width: picture.width, height: picture.height, to: path)
    }
    try StandardStream.confirm(
      "Wrote \(quoted(out)), \(page.utf8.count / 1024) KiB.\n", of: out)
  }

  /// What a page is about, as its runs are now.
  private struct Contents {
    let runs: [RunMetrics]
    let checkpoints: [ChosenCheckpoint?]
    let step: StepPicture?

    init(_ arguments: Arguments) throws(Failure) {
      runs = try arguments.operands.map { path throws(Failure) in try RunMetrics(path) }
      checkpoints = try runs.map { run throws(Failure) in
        try run.directory.newestCheckpoint() == nil
          ? nil : arguments.checkpoint(run.directory.path)
      }
      step = try arguments[timeline].map { path throws(Failure) in
        try StepPicture(Trace(reading: path))
      }
    }

    func report(
      _ arguments: Arguments, _ figures: (pages: NetworkFigures?, note: String)
    ) -> RunReport {
      RunReport(
        runs, checkpoints: checkpoints, figures: figures.pages, note: figures.note, step: step,
        smoothing: arguments[SharedOptions.smoothing])
    }
  }

  /// The checkpoint's results on images, if there is only one run, or why they are not
  /// shown.
  private static func figures(
    _ runs: [RunMetrics], _ checkpoint: ChosenCheckpoint?, _ arguments: Arguments
  ) throws(Failure) -> (NetworkFigures?, String) {
    let limit = arguments[images]
    guard limit > 0 else { return (nil, "") }
    guard runs.count == 1 else {
      return (nil, "Name a single run to see its network's predictions.")
    }
    guard let checkpoint else {
      return (nil, "The run has no checkpoint yet.")
    }
    let path = arguments[SharedOptions.dataset] ?? runs[0].settings.dataset
    let dataset: Dataset
    do throws(Failure) { dataset = try Dataset(opening: path) } catch {
      // A dataset named by an option must exist; the run's own may be on another machine.
      if arguments.has(SharedOptions.dataset) { throw error }
      return (
        nil,
        FileStatus(path) == nil
          ? "The run's dataset is not on this machine; name it with --data. (\(error.message))"
          : "The run's dataset cannot be read. (\(error.message))"
      )
    }
    guard dataset.count(.validation) > 0 else {
      return (nil, "The dataset \(quoted(path)) has no validation images.")
    }
    do {
      return (
        try NetworkFigures(
          TrainedNetwork(checkpoint), dataset, limit: limit,
          threads: arguments[SharedOptions.threads] ?? Processors.own.threads
        ) { _, _ in }, ""
      )
    } catch { throw error as? Failure ?? Failure(.internal, "\(error)") }
  }
}
