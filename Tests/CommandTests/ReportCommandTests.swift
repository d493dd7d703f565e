import Foundation
import TestSupport
import Testing

/// `alexnet report` and `alexnet plot` on runs of the four-layer network, and what TensorBoard is
/// given.
@Suite(.serialized) struct ReportCommandTests {
  private let scratch = TemporaryFolder()

  private func train(_ out: String, _ arguments: String...) throws -> String {
    let run = "\(scratch.path)/\(out)"
    let outcome = try Program.train(
      ranks: 2,
      [
        "--data", try Pictures.small.get().path + "/dataset", "--out", run, "--network",
        "cifar-four-layer", "--batch-size", "32", "--threads", "1", "--validate-every", "10",
      ] + arguments)
    #expect(outcome.code == 0, "\(outcome.error)")
    return run
  }

  @Test func aRunOfAnotherVersionIsRefused() throws {
    let run = try train("versions", "--max-steps", "2")
    let path = run + "/config.json"
    let text = try String(contentsOfFile: path, encoding: .utf8)
    let line = "\"formatVersion\" : 2,"
    #expect(text.contains(line))
    let sentences = [
      "": "was written before config.json had format version 2",
      "\"formatVersion\" : 3,": "format version 3; this program reads versions up to 2",
    ]
    for (other, sentence) in sentences {
      let changed = text.replacing(line, with: other)
      try changed.write(toFile: path, atomically: true, encoding: .utf8)
      let report = try Program.alexnet(
        "report", run, "--images", "0", "--out", scratch.path + "/report.html")
      #expect(report.code == 65 && report.error.contains(sentence), "\(report.error)")
    }
  }

  @Test func theUsersOwnSettingsOfGnuplotDoNotMatter() throws {
    let run = try train("settings", "--max-steps", "4")
    let home = try scratch.write(Array("set output 'elsewhere'\n".utf8), "home/.gnuplot")
    let drawn = try ["/", (home as NSString).deletingLastPathComponent].map { home in
      try Program.run(
        ["\(Program.folder)/alexnet", "plot", run], environment: ["HOME": home, "COLUMNS": "80"],
        in: scratch.path)
    }
    #expect(drawn[0].code == 0 && drawn[0].output.contains("loss"), "\(drawn[0].error)")
    #expect(drawn[1].code == 0 && drawn[1].output == drawn[0].output, "\(drawn[1].output)")
    #expect(try !scratch.names(".").contains("elsewhere"))
  }

  @Test func aRunsReportIsOnePage() throws {
    let run = try train("one", "--max-steps", "20", "--learning-rate", "0.001", "--tensorboard")
    let kernels = scratch.path + "/kernels.png"
    // A run that is being written ends in half a line.
    let metrics = run + "/metrics.jsonl"
    let whole = try String(contentsOfFile: metrics, encoding: .utf8)
    try (whole + "{\"kind\":\"st").write(toFile: metrics, atomically: true, encoding: .utf8)
    let outcome = try Program.alexnet("report", run, "--kernels", kernels)
    #expect(outcome.code == 0, "\(outcome.error)")
    let page = try String(contentsOfFile: run + "/report.html", encoding: .utf8)
    for heading in [
      "Learning curves", "Kernels of conv1", "Predictions", "Surest mistakes",
      "Nearest neighbours", "Confusion matrix", "Error by class", "Speed and health", "Settings",
    ] {
      #expect(page.contains("<h2>\(heading)</h2>"), "\(heading)")
    }
    #expect(!page.contains("<script") && !page.contains("src=\"http"))
    #expect(page.contains("All 100 validation images"))
    #expect(page.ranges(of: "<figure class=\"mistake\">").count == 8)
    #expect(page.ranges(of: "alt=\"Grad-CAM\"").count == 8)
    let png = try Data(contentsOf: URL(fileURLWithPath: kernels))
    #expect(png.prefix(4) == Data([0x89, 0x50, 0x4E, 0x47]))
    let events = try FileManager.default.contentsOfDirectory(atPath: run + "/tensorboard")
    #expect(events.count == 1 && events[0].hasPrefix("events.out.tfevents."))
    // The layers' health is recorded at each validation.
    #expect(whole.ranges(of: "\"kind\":\"health\"").count == 2)

    try (whole + "nonsense\n").write(toFile: metrics, atomically: true, encoding: .utf8)
    let partly = try Program.alexnet("report", run, "--images", "0")
    #expect(partly.code == 0 && partly.error.contains("is left out"), "\(partly.error)")
    try "nonsense\n".write(toFile: metrics, atomically: true, encoding: .utf8)
    let broken = try Program.alexnet("report", run, "--images", "0")
    #expect(broken.code == 65 && broken.error.contains("is a complete record"), "\(broken.error)")
  }

  /// A cosine and a warm-up change the rate in every step: a line for each would hide the curves.
  @Test func aRateThatGoesSmoothlyHasAChartOfItsOwn() throws {
    let smooth = try train("smooth", "--max-steps", "12", "--schedule", "cosine", "--warm-up", "4")
    let rates = scratch.path + "/rates.txt"
    try "0.3 0.0001\n".write(toFile: rates, atomically: true, encoding: .utf8)
    let jump = try train("jump", "--max-steps", "12", "--schedule", rates)
    func page(_ runs: String...) throws -> String {
      let path = scratch.path + "/page.html"
      let outcome = try Program.alexnet(
        ranks: nil, ["report"] + runs + ["--images", "0", "--out", path])
      #expect(outcome.code == 0, "\(outcome.error)")
      return try String(contentsOfFile: path, encoding: .utf8)
    }
    let (own, line) = ("<figcaption>Learning rate</figcaption>", "Dashed lines")
    let first = try page(smooth)
    #expect(first.contains(own) && first.contains("The learning rate has a chart of its own."))
    #expect(!first.contains(line) && !first.contains("'var(--mark)'"))
    let second = try page(jump)
    #expect(!second.contains(own) && second.contains("\(line): the learning rate falls in a jump."))
    #expect(second.contains("'var(--mark)'"))
    // Whose would a line be?
    let both = try page(smooth, jump)
    #expect(both.contains(own) && !both.contains(line))
  }

  @Test func runsAreComparedAndPlotted() throws {
    let one = try train("first", "--max-steps", "12", "--learning-rate", "0.001")
    let two = try train("second", "--max-steps", "12", "--learning-rate", "0.002")
    let page = scratch.path + "/both.html"
    let outcome = try Program.alexnet("report", one, two, "--out", page)
    #expect(outcome.code == 0, "\(outcome.error)")
    let text = try String(contentsOfFile: page, encoding: .utf8)
    #expect(text.contains("Settings that differ"))
    #expect(text.contains("<td>recipe.<wbr>learning<wbr>Rate</td><td data-column=\"first\">"))
    let plot = try Program.alexnet("plot", one, two, "--width", "72")
    #expect(plot.code == 0, "\(plot.error)")
    #expect(plot.output.contains("first, validation") && plot.output.contains("Loss"))
    #expect(plot.output.split(separator: "\n").allSatisfy { $0.count <= 72 })
    let byTime = try Program.alexnet("plot", one, two, "--by", "hours")
    #expect(byTime.output.contains("seconds") && !byTime.output.contains("hours"))
    let nothing = try Program.alexnet("plot", scratch.path)
    #expect(nothing.code == 66 && nothing.error.contains("is not a run"), "\(nothing.error)")
  }
}
