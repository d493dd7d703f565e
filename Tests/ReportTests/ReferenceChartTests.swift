import Foundation
import Report
import TestSupport
import Testing

/// Charts compared with stored ones, letter by letter, so that none changes unseen.
@Suite struct ReferenceChartTests {
  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("References")

  private static func curve(_ heights: [Double]) -> Curve {
    Curve(heights.enumerated().map { Curve.Point(Double($0.offset), $0.element) })
  }

  /// Charts with everything that a chart can have.
  private static var charts: [(name: String, chart: Chart)] {
    var errors = Chart(
      "Error", x: "epochs done", y: "error (%)",
      [
        .init("", curve([90, 61, 43, 39]), colour: 0, isFaint: true),
        .init("training top-1 error", curve([90, 60, 45, 40]), colour: 0),
        .init("validation top-5, lr-0.05", curve([50, 30, 22, 20]), colour: 2, hasPoints: true),
      ])
    errors.marks = [1.5]
    errors.startsAtZero = true
    var layers = Chart(
      "Update/weight ratio", x: "steps", y: "mean |update| / mean |weight|",
      (1...8).map { number in
        .init(
          "layer_\(number)", curve([1e-2, 1e-3, 3e-4].map { $0 * Double(number) }),
          colour: number - 1, hasPoints: true)
      })
    layers.isLogarithmic = true
    var scaling = Chart(
      "Scaling", x: "ranks", y: "images a second",
      [.init("a", Curve([1, 2, 4, 8].map { Curve.Point($0, 100 * $0) }), colour: 1)])
    scaling.doubles = true
    return [("errors", errors), ("layers", layers), ("scaling", scaling)]
  }

  /// gnuplot's own version, whose drawings are compared only with those of the same one.
  private static let version = Result { try Program.run(["gnuplot", "--version"]).output }

  /// After a change that is meant, look at the new files, which the failed test names, and copy
  /// them over the old ones.
  @Test(arguments: 0..<3) func aChartIsDrawnAsBefore(_ number: Int) throws {
    let (name, chart) = Self.charts[number]
    let drawn = try "<!-- \(Self.version.get().split(separator: "\n")[0]) -->\n" + chart.svgFile()
    let stored = try? String(
      contentsOf: Self.folder.appendingPathComponent(name + ".svg"), encoding: .utf8)
    guard drawn != stored else { return }
    // Another gnuplot draws otherwise, with the same words.
    if let stored, stored.split(separator: "\n")[0] != drawn.split(separator: "\n")[0] {
      for series in chart.series { #expect(drawn.contains(series.title)) }
      return
    }
    let path = NSTemporaryDirectory() + "alexnet-\(name)-\(UUID().uuidString).svg"
    try drawn.write(toFile: path, atomically: true, encoding: .utf8)
    Issue.record("\(name).svg has changed; the new one is \(path)")
  }
}
