import Foundation

/// Means of several seeds with their intervals, a row each, and every seed's own figure as a point.
package struct IntervalPicture: Sendable {
  /// A row.
  package struct Row: Sendable {
    /// What it is.
    package var title: String
    /// The figure of each seed.
    package var points: [Double]
    /// Their mean, and the interval around it; nil where one seed gives none.
    package var mean: Double
    package var interval: ClosedRange<Double>?
    /// What stands in the row where there is no finite mean.
    package var absence: String

    package init(
      _ title: String, points: [Double], mean: Double, interval: ClosedRange<Double>?,
      absence: String = "no figure"
    ) {
      self.title = title
      self.points = points
      self.mean = mean
      self.interval = interval
      self.absence = absence
    }
  }

  private let title: String
  private let label: String
  private let rows: [Row]
  private let mark: Double?

  private static let (width, right, rowHeight, top) = (760.0, 24.0, 30.0, 16.0)

  /// - Parameters:
  ///   - title: What the picture shows.
  ///   - label: The label of the axis.
  ///   - mark: A number that is marked by a line, such as 0 for differences.
  ///   - rows: The rows.
  package init(_ title: String, label: String, mark: Double? = nil, _ rows: [Row]) {
    self.title = title
    self.label = label
    self.mark = mark
    self.rows = rows
  }

  /// The picture as a file of its own, for viewers that know no variables too.
  package var svgFile: String {
    let ends =
      rows.filter(\.mean.isFinite).flatMap { row in
        row.points + [row.mean] + (row.interval.map { [$0.lowerBound, $0.upperBound] } ?? [])
      } + (mark.map { [$0] } ?? [])
    var (low, high) = (ends.min() ?? 0, ends.max() ?? 1)
    // Where all is at one place, some room around it.
    let size = max(abs(low), abs(high))
    if high - low <= 1e-9 * max(1, size) {
      let half = max(0.5, 0.05 * size)
      (low, high) = (low - half, high + half)
    }
    let unit = tick(high - low)
    let (first, last) = ((low / unit).rounded(.down), (high / unit).rounded(.up))
    let left = 20 + 7.6 * Double(rows.map(\.title.count).max() ?? 0)
    let span = max(last - first, 1) * unit
    func x(_ value: Double) -> String {
      Self.number(left + (value - first * unit) / span * (Self.width - left - Self.right))
    }
    let bottom = Self.top + Double(rows.count) * Self.rowHeight
    var body = ""
    for tick in 0...Int(max(last - first, 1)) {
      let value = (first + Double(tick)) * unit
      body +=
        "<line x1=\"\(x(value))\" x2=\"\(x(value))\" y1=\"\(Self.top)\" y2=\"\(bottom)\" "
        + "stroke=\"var(--grid)\"/>"
        + text(x(value), bottom + 18, String(format: "%g", value), "middle")
    }
    if let mark {
      body +=
        "<line x1=\"\(x(mark))\" x2=\"\(x(mark))\" y1=\"\(Self.top)\" y2=\"\(bottom)\" "
        + "stroke=\"var(--mark)\" stroke-width=\"1.5\" stroke-dasharray=\"5 4\"/>"
    }
    for (number, row) in rows.enumerated() {
      let y = Self.top + (Double(number) + 0.5) * Self.rowHeight
      body += text("8", y + 5, row.title, "start")
      guard row.mean.isFinite else {
        body += text(Self.number(Self.width - Self.right), y + 5, row.absence, "end")
        continue
      }
      if let interval = row.interval {
        body +=
          "<line x1=\"\(x(interval.lowerBound))\" x2=\"\(x(interval.upperBound))\" y1=\"\(y)\" "
          + "y2=\"\(y)\" stroke=\"var(--c0)\" stroke-width=\"3\"/>"
      }
      body +=
        "<line x1=\"\(x(row.mean))\" x2=\"\(x(row.mean))\" y1=\"\(y - 8)\" y2=\"\(y + 8)\" "
        + "stroke=\"var(--c0)\" stroke-width=\"3\"/>"
      for point in row.points {
        body +=
          "<circle cx=\"\(x(point))\" cy=\"\(y)\" r=\"3\" fill=\"var(--f0)\" "
          + "stroke=\"var(--c0)\"/>"
      }
    }
    let height = bottom + 48
    body += text(Self.number((left + Self.width - Self.right) / 2), bottom + 38, label, "middle")
    return SVG.file(
      of: "<svg role=\"img\" class=\"chart\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 "
        + "\(Int(Self.width)) \(Int(height))\" font-family=\"inherit\"><title>"
        + "\(HTML.escaped(title))</title>\(body)</svg>\n")
  }

  private func text(_ x: String, _ y: Double, _ words: String, _ anchor: String) -> String {
    "<text x=\"\(x)\" y=\"\(Self.number(y))\" font-size=\"13\" text-anchor=\"\(anchor)\" "
      + "fill=\"var(--ink)\">\(HTML.escaped(words))</text>"
  }

  private static func number(_ value: Double) -> String { String(format: "%.1f", value) }
}
