import ModelParallel
import Networks
import Planning
import Report
import System

/// The efficiency that `alexnet scale` predicts against the number of ranks, with published
/// measurements.
struct ScaleChart {
  let report: ScaleReport

  /// A published measurement: the number of units, and their speed-up over one.
  private struct Published {
    let title: String
    let units: Double
    let speedup: Double
  }

  private static let published = [
    // "One weird trick for parallelizing convolutional neural networks", 2014: 98.05 hours on one
    // GPU, 15.91 on 8.
    Published(title: "Krizhevsky 2014, 8 GPUs", units: 8, speedup: 98.05 / 15.91),
    // "Distributed deep learning using synchronous stochastic gradient descent", 2016, abstract:
    // OverFeat-FAST.
    Published(title: "Das et al. 2016 (Intel), 64 nodes", units: 64, speedup: 42),
  ]

  /// The chart as an SVG document.
  /// - Throws: `Failure` if gnuplot is missing or reports an error.
  func svg() throws(Failure) -> String {
    func curve(_ rows: [ScaleReport.Row]) -> Curve {
      Curve(rows.map { Curve.Point(Double($0.cluster.ranks), 100 * $0.efficiency) })
    }
    let halved = ScaleReport(
      model: report.model, linkName: report.linkName, cluster: report.cluster,
      batchSize: report.batchSize,
      formats: WireFormats(activations: .bf16, gradients: .bf16))
    let rows = report.rows
    let ranks = rows.map(\.cluster.ranks)
    let ends = [ranks.min() ?? 1, ranks.max() ?? 1].map { Curve.Point(Double($0), 100) }
    var series = [
      Chart.Series("ideal", Curve(ends), colour: 0, isFaint: true),
      Chart.Series("by data", curve(rows.filter { $0.scheme == .data }), colour: 1),
      Chart.Series("by model", curve(rows.filter { $0.scheme == .model }), colour: 2),
      Chart.Series("best groups", curve(rows.filter(\.isBest)), colour: 0, hasPoints: true),
      Chart.Series(
        "best groups, bf16", curve(halved.rows.filter(\.isBest)), colour: 3, hasPoints: true),
    ]
    for (number, point) in Self.published.enumerated() {
      let efficiency = 100 * point.speedup / point.units
      var mark = Chart.Series(
        point.title, Curve([Curve.Point(point.units, efficiency)]), colour: 4 + number)
      mark.hasLine = false
      series.append(mark)
    }
    var chart = Chart(
      "\(report.model.network.name), \(counted(report.batchSize, "image", "images")) a step, "
        + "\(report.linkName)",
      x: "ranks (GPUs, nodes)", y: "efficiency, %", series)
    chart.startsAtZero = true
    chart.doubles = true
    return try chart.svgFile()
  }
}
