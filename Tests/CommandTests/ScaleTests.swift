import Foundation
import TestSupport
import Testing

/// `alexnet scale`, from a bench to a table and a chart.
@Suite(.serialized) struct ScaleTests {
  private let scratch = TemporaryFolder()

  @Test func scaleMakesATableAndAChartFromABench() throws {
    let bench = try Program.alexnet(
      ranks: 2,
      ["bench", "--network", "cifar-four-layer", "--batch-size", "16", "--steps", "1", "--json"])
    #expect(bench.code == 0, "\(bench.error)")
    let file = scratch.path + "/bench.json"
    try bench.output.write(toFile: file, atomically: true, encoding: .utf8)
    let chart = scratch.path + "/scale.svg"
    let outcome = try Program.alexnet(
      "scale", "--bench", file, "--hosts", "4", "--batch-size", "16", "--json", "--chart", chart)
    #expect(outcome.code == 0, "\(outcome.error)")
    let report = try #require(
      JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    let rows = try #require(report["predictions"] as? [[String: Any]])
    // 2, 4 and 8 ranks; with four replicas there are two groups, too.
    #expect(
      rows.map { "\($0["ranks"] ?? "") \($0["scheme"] ?? "")" } == [
        "2 data", "4 data", "4 model", "8 data", "8 model", "8 groups=2",
      ])
    // A pair is predicted to compute for as long as the bench did, whatever that was: its layers,
    // its update, and all else of a step but the wait for images.
    let measured = try #require(
      JSONSerialization.jsonObject(with: Data(bench.output.utf8)) as? [String: Any])
    func number(_ object: [String: Any], _ name: String) throws -> Double {
      try #require(object[name] as? Double, "\(name)")
    }
    var busy = try number(measured, "updateSeconds")
    for layer in try #require(measured["layers"] as? [[String: Any]]) {
      busy += try number(layer, "forwardSeconds") + number(layer, "backwardSeconds")
    }
    let step = try number(measured, "stepSeconds") - number(measured, "waitSeconds")
    let computed = try number(rows[0], "computeSeconds")
    #expect(abs(computed / max(busy, step) - 1) < 1e-9)
    let waits = try ["movingSeconds", "activationWaitSeconds", "gradientWaitSeconds"].map {
      try number(rows[0], $0)
    }
    #expect(waits.allSatisfy { $0 >= 0 })
    let predicted = try number(rows[0], "stepSeconds")
    #expect(abs(predicted / waits.reduce(computed, +) - 1) < 1e-9)
    let svg = try String(contentsOfFile: chart, encoding: .utf8)
    #expect(svg.contains("<svg") && svg.contains("Krizhevsky 2014"))
  }

  @Test func filesThatAreNotBenchesAreRefused() throws {
    let missing = try Program.alexnet("scale", "--bench", scratch.path + "/none.json")
    #expect(missing.code == 66)
    let file = scratch.path + "/other.json"
    try "{}".write(toFile: file, atomically: true, encoding: .utf8)
    let other = try Program.alexnet("scale", "--bench", file)
    #expect(other.code == 65 && other.error.contains("alexnet bench --json"))
  }
}
