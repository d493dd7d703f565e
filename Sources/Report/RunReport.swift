package import AlexNet
import Foundation
import Images
import Layers
import Networks
import Safetensors
package import System
package import Training

/// A page about one or several runs.
package struct RunReport {
  private let runs: [RunMetrics]
  private let checkpoints: [ChosenCheckpoint?]
  private let charts: RunCharts
  private let figures: NetworkFigures?
  private let note: String
  private let step: StepPicture?

  /// - Parameters:
  ///   - runs: The runs.
  ///   - checkpoints: The checkpoint of each run that the page is about; nil where there is none.
  ///   - figures: The predictions of the network, if there is only one run; nil to leave them out.
  ///   - note: Why they are left out, as a sentence.
  ///   - step: A step of the timeline, if there is one.
  ///   - smoothing: The number of steps over which training curves are smoothed.
  package init(
    _ runs: [RunMetrics], checkpoints: [ChosenCheckpoint?], figures: NetworkFigures?,
    note: String = "", step: StepPicture? = nil, smoothing: Double
  ) {
    (self.runs, self.checkpoints) = (runs, checkpoints)
    self.figures = figures
    self.note = note
    self.step = step
    charts = RunCharts(runs, smoothing: smoothing)
  }

  /// The kernels of the first layer in a run's checkpoint; nil if there is none.
  /// - Throws: `Failure` (badData) if the checkpoint is damaged, or is a copy under another
  ///   checkpoint's name.
  package static func kernels(
    of run: RunMetrics, _ checkpoint: ChosenCheckpoint?, background: UInt8 = 255
  ) throws(Failure) -> KernelPicture? {
    guard let path = checkpoint?.path else { return nil }
    let file = try SafetensorsFile(opening: path)
    let network = run.settings.network
    guard case .convolution(let layer)? = network.layers.first else { return nil }
    let side = layer.window.size
    let entry = try file.entry(
      layer.tensorName + ".weight", .float32, shape: [layer.kernels, 3, side, side])
    return try KernelPicture(
      file.elements(of: entry), side: side, towers: network.towers, background: background)
  }

  /// The page as one self-contained HTML file; one that `isLiving` renews itself in a browser.
  /// - Throws: `Failure` if gnuplot is missing or a checkpoint is damaged.
  package func html(isLiving: Bool = false) throws(Failure) -> String {
    let title =
      runs.count == 1 ? "Run \(runs[0].name)" : runs.map(\.name).joined(separator: ", ")
    var body = "<h1>\(HTML.escaped(title))</h1>\n"
    if isLiving {
      let records = runs.compactMap { FileStatus($0.directory.metrics)?.changed }
      body += LivingPage.note(recorded: records.max().map { $0 / 1_000_000_000 })
    }
    body += runs.count == 1 ? summary(runs[0]) : comparison
    body += try curves()
    let notes = checkpoints.compactMap { $0?.note }
    body += notes.map { "<p>\(HTML.escaped($0))</p>\n" }.joined()
    for (run, checkpoint) in zip(runs, checkpoints) { body += try kernelSection(run, checkpoint) }
    if let figures { body += pages(figures) }
    if !note.isEmpty { body += HTML.section("Predictions", HTML.escaped(note), "<p></p>") }
    body += try speed()
    if let step {
      body += HTML.section(
        "A step", HTML.escaped(step.caption),
        "<div class=\"scroll\"><div class=\"wide\">\(step.svg)</div></div>")
    }
    body += settings
    return HTML.page(title: title, body, script: isLiving ? LivingPage.script : nil)
  }

  // MARK: Head

  private func summary(_ run: RunMetrics) -> String {
    let (recipe, network) = (run.settings.recipe, run.settings.network)
    var facts: [(String, String)] = []
    if let last = run.validations.last {
      facts.append((String(format: "%.2f %%", last.top1Error), "top-1 error, last validation"))
      if let top5 = last.top5Error {
        facts.append((String(format: "%.2f %%", top5), "top-5 error"))
      }
      facts.append((String(format: "%.4f", last.loss), "validation loss"))
      if let best = run.validations.min(by: { $0.top1Error < $1.top1Error }), best != last {
        facts.append(
          (String(format: "%.2f %%", best.top1Error), "best top-1 error, step \(best.step)"))
      }
    }
    if let last = run.steps.last {
      facts.append(("\(last.step)", last.step == 1 ? "step" : "steps"))
      facts.append((String(format: "%.2f", last.epoch), "epochs done"))
      let unit = charts.timeUnit
      facts.append((String(format: "%.2f", last.hours * unit.perHour), unit.name))
    }
    return "<p class=\"lead\">\(HTML.escaped(network.name)), "
      + "\(counted(network.towers, "tower", "towers")), \(network.parameterCount) parameters, "
      + "\(counted(network.classes, "class", "classes")); recipe \(recipe.name.rawValue), batch "
      + "\(recipe.batchSize), learning rate "
      + "\(plain(recipe.learningRate)).</p><div class=\"facts\">"
      + facts.map { "<div><b>\($0.0)</b><span>\(HTML.escaped($0.1))</span></div>" }.joined()
      + "</div>\n"
  }

  private var comparison: String {
    let rows = runs.enumerated().map { number, run in
      let last = run.validations.last
      let best = run.validations.min { $0.top1Error < $1.top1Error }
      return [
        "<span style=\"color:var(--c\(number % Chart.colours))\">■</span>&nbsp;"
          + HTML.breakable(run.name),
        "\(run.steps.last?.step ?? 0)",
        last.map { String(format: "%.2f", $0.top1Error) } ?? "–",
        last?.top5Error.map { String(format: "%.2f", $0) } ?? "–",
        best.map { String(format: "%.2f", $0.top1Error) } ?? "–",
        last.map { String(format: "%.4f", $0.loss) } ?? "–",
      ]
    }
    return HTML.section(
      "Results", "",
      HTML.table(
        ["run", "steps", "top-1 %", "top-5 %", "best top-1 %", "loss"], rows,
        numbers: [1, 2, 3, 4, 5]
      ))
  }

  // MARK: Charts

  private func figure(_ chart: Chart, _ id: String) throws(Failure) -> String {
    chart.isEmpty
      ? ""
      : "<figure>\(chart.legend)\(try chart.svg(id: id, hasLegend: false))"
        + "<figcaption>\(HTML.escaped(chart.title))</figcaption></figure>"
  }

  private func curves() throws(Failure) -> String {
    guard runs.contains(where: { !$0.steps.isEmpty }) else {
      return HTML.section("Learning curves", "", "<p>No step has been recorded yet.</p>")
    }
    var content = ""
    for (number, axis) in RunCharts.Axis.allCases.enumerated() {
      let id = number == 0 ? "axisEpochs" : "axisHours"
      content +=
        "<input class=\"axis\" type=\"radio\" name=\"axis\" id=\"\(id)\""
        + "\(number == 0 ? " checked" : "")><label for=\"\(id)\">by \(charts.title(of: axis))</label>"
    }
    for (number, axis) in RunCharts.Axis.allCases.enumerated() {
      content +=
        "<div class=\"charts \(number == 0 ? "byEpochs" : "byHours")\">"
        + (try figure(charts.loss(over: axis), "loss\(number)"))
        + (try figure(charts.errors(over: axis), "error\(number)"))
        + (try figure(charts.learningRate(over: axis), "rate\(number)")) + "</div>"
    }
    return HTML.section("Learning curves", curveNote, content)
  }

  /// What the curves need said.
  private var curveNote: String {
    let isMarked = !charts.loss(over: .epochs).marks.isEmpty
    let hasRate = !charts.learningRate(over: .epochs).isEmpty
    return "Training curves are smoothed" + (runs.count == 1 ? "; single steps are faint." : ".")
      + (isMarked ? " Dashed lines: the learning rate falls in a jump." : "")
      + (hasRate
        ? " The learning rate \(isMarked ? "also changes otherwise, and " : "")"
          + "has a chart of its own." : "")
  }

  private func speed() throws(Failure) -> String {
    let content =
      try figure(charts.throughput, "speed") + figure(charts.shares, "shares")
      + figure(charts.movement, "movement") + figure(charts.deadKernels, "dead")
    return content.isEmpty
      ? "" : HTML.section("Speed and health", "", "<div class=\"charts\">\(content)</div>")
  }

  // MARK: Pictures

  private func kernelSection(
    _ run: RunMetrics, _ checkpoint: ChosenCheckpoint?
  ) throws(Failure) -> String {
    guard let picture = try Self.kernels(of: run, checkpoint) else { return "" }
    let network = run.settings.network
    let name = network.layers.first?.name ?? ""
    let png = PNGFile.encoded(picture.pixels, width: picture.width, height: picture.height)
    return HTML.section(
      runs.count == 1 ? "Kernels of \(name)" : "Kernels of \(name), \(run.name)",
      network.towers > 1
        ? "A block for each tower, as in the paper's figure 3; grey is zero."
        : "As in the paper's figure 3; grey is zero.",
      HTML.image(
        png, alt: "The kernels of \(name)", name: "kernels", width: picture.width))
  }

  private func pages(_ figures: NetworkFigures) -> String {
    let pages = FigurePages(figures)
    return [
      pages.predictions, pages.mistakes, pages.neighbours, pages.confusion, pages.classErrors,
    ].joined()
  }

  // MARK: Settings

  private var settings: String {
    let table = SettingsTable(runs.map(\.configuration))
    func rows(_ rows: [SettingsTable.Row]) -> String {
      HTML.table(
        ["setting"] + (runs.count == 1 ? ["value"] : runs.map(\.name)),
        rows.map { [HTML.breakable($0.name)] + $0.values.map(HTML.escaped) },
        name: "settings", stacks: runs.count > 1)
    }
    if runs.count == 1 {
      return HTML.section(
        "Settings", "",
        "<details><summary>\(table.rows.count) settings</summary>\(rows(table.rows))</details>")
    }
    let differing = table.rows.filter(\.differs)
    let same = table.rows.filter { !$0.differs }
    return HTML.section(
      "Settings that differ", "",
      (differing.isEmpty ? "<p>None.</p>" : rows(differing))
        + "<details><summary>\(same.count) settings that are the same</summary>"
        + HTML.table(
          ["setting", "value"], same.map { [HTML.breakable($0.name), HTML.escaped($0.values[0])] },
          name: "settings")
        + "</details>")
  }
}
