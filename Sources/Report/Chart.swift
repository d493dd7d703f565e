import Foundation
package import System

/// Curves in one coordinate system.
package struct Chart: Sendable {
  /// A curve and how it is drawn.
  package struct Series: Sendable {
    /// The name in the legend; empty for none.
    package var title: String
    /// The curve.
    package var curve: Curve
    /// The number of its colour.
    package var colour: Int
    /// Whether it is drawn faintly behind the others.
    package var isFaint = false
    /// Whether its points are marked.
    package var hasPoints = false
    /// Whether its points are joined by a line.
    package var hasLine = true

    /// Whether points are drawn: a line through a single one would be nothing.
    var showsPoints: Bool { hasPoints || curve.points.count == 1 }

    package init(
      _ title: String, _ curve: Curve, colour: Int, isFaint: Bool = false, hasPoints: Bool = false
    ) {
      self.title = title
      self.curve = curve
      self.colour = colour
      self.isFaint = isFaint
      self.hasPoints = hasPoints
    }
  }

  /// The chart's title.
  package var title: String
  /// The label of the x axis.
  private var xLabel: String
  /// The label of the y axis.
  private var yLabel: String
  /// The curves.
  package var series: [Series]
  /// Positions on the x axis to mark with vertical lines.
  package var marks: [Double] = []
  /// What the vertical lines are, for the legend of a drawing; empty to leave that to a caption.
  package var markTitle = ""
  /// Whether the y axis is logarithmic.
  package var isLogarithmic = false
  /// Whether the y axis starts at 0.
  package var startsAtZero = false
  /// Whether the x axis doubles at each tick.
  package var doubles = false

  package init(_ title: String, x: String, y: String, _ series: [Series]) {
    self.title = title
    xLabel = x
    yLabel = y
    self.series = series
  }

  /// The largest number of points drawn for a curve.
  static let mostPoints = 500

  /// Placeholder colours that are replaced by variables of the page's style, so that they follow
  /// the light or dark theme.
  static let ink = "#010203"
  static let grid = "#010204"
  static let mark = "#010205"
  /// The number of colours for series: AlexNet has eight layers.
  ///
  /// In `HTML.colours`, each differs from the others for every kind of colour blindness too; a
  /// test measures it.
  package static let colours = 8

  static func colour(_ number: Int, isFaint: Bool) -> String {
    String(format: "#%02x%02x%02x", 10, isFaint ? 1 : 0, number % colours)
  }

  /// Whether there is anything to draw.
  package var isEmpty: Bool { series.allSatisfy { $0.curve.points.isEmpty } }

  /// The gnuplot commands that all output formats share.
  /// - Parameters:
  ///   - terminal: The output format, with what is particular to it.
  ///   - isEnhanced: Whether the format gives some signs a meaning within texts.
  ///   - letters: How many letters fit side by side along the x axis.
  ///   - rows: How many lines of text fit along the y axis; nil to let gnuplot choose its ticks.
  ///   - style: How a curve is drawn.
  /// - Returns: The script.
  func script(
    terminal: String, isEnhanced: Bool = true, letters: Int, rows: Int? = nil,
    _ style: (Series) -> String
  ) -> String {
    func quoted(_ text: String) -> String { Gnuplot.quoted(text, isEnhanced: isEnhanced) }
    var lines = ["set terminal \(terminal)", "set encoding utf8"]
    let drawn = self.drawn
    for (number, series) in drawn.enumerated() {
      lines.append("$curve\(number) << END")
      lines += series.curve.thinned(to: Self.mostPoints).points.map { "\($0.x) \($0.y)" }
      lines.append("END")
    }
    let xs = drawn.flatMap { $0.curve.points.map(\.x) }
    let (left, right) = (xs.min() ?? 0, xs.max() ?? 1)
    // A single point has no range; x is never negative where there is only one.
    let range =
      left < right ? left...right : (left < 0 ? left - 0.5 : max(0, left - 0.5))...left + 0.5
    let marks = self.marks.filter { range.contains($0) }
    // Zeros have no logarithm: if there is nothing else, as in a run whose weights do not change,
    // the axis is linear.
    let isLogarithmic =
      self.isLogarithmic && drawn.contains { $0.curve.points.contains { $0.y > 0 } }
    let startsAtZero = self.startsAtZero || self.isLogarithmic
    let isWhole = xs.allSatisfy { $0 == $0.rounded() }
    let ticks = Ticks.step(over: range, isWhole: isWhole, letters: letters)
    lines += [
      "set xlabel \(quoted(xLabel))", "set ylabel \(quoted(yLabel))",
      "set xrange [\(range.lowerBound):\(range.upperBound)]",
      isLogarithmic ? "set logscale y; set format y '10^{%L}'" : "",
      startsAtZero && !isLogarithmic ? "set yrange [0:*]" : "",
      doubles
        ? "set logscale x 2"
        : "set xtics \(ticks)",
    ]
    var ys = drawn.flatMap { $0.curve.points.map(\.y) }
    if startsAtZero { ys.append(0) }
    if let rows, !isLogarithmic, let low = ys.min(), let high = ys.max(), low < high {
      lines.append("set ytics \(Ticks.step(over: low...high, lines: rows))")
    }
    return lines.joined(separator: "\n") + "\n"
      + marks.map {
        "set arrow from \($0), graph 0 to \($0), graph 1 nohead dashtype 2 linecolor rgb "
          + "'\(Self.mark)' back\n"
      }.joined() + "plot "
      + drawn.enumerated().map { number, series in
        "$curve\(number) using 1:2 \(style(series)) "
          + (series.title.isEmpty ? "notitle" : "title \(quoted(series.title))")
      }.joined(separator: ", ")
      + (marks.isEmpty || markTitle.isEmpty
        ? ""
        : ", NaN with lines dashtype 2 linecolor rgb '\(Self.mark)' title \(quoted(markTitle))")
      + "\n"
  }

  /// The curves that have points.
  var drawn: [Series] { series.filter { !$0.curve.points.isEmpty } }

  /// The chart as an element of a page, in the page's colours.
  /// - Parameters:
  ///   - id: An identifier that no other chart of the page has.
  ///   - hasLegend: Whether the legend is part of the drawing; a page sets it as text, which stays
  ///     legible where the drawing shrinks.
  /// - Returns: An `svg` element.
  /// - Throws: `Failure` if gnuplot is missing or reports an error.
  package func svg(id: String, hasLegend: Bool = true) throws(Failure) -> String {
    Self.adapted(
      try drawing(width: 560, height: hasLegend ? 350 : 320, hasLegend: hasLegend), title: title,
      id: id)
  }

  /// The chart as a separate file.
  /// - Returns: An SVG document.
  /// - Throws: `Failure` if gnuplot is missing or reports an error.
  package func svgFile() throws(Failure) -> String {
    SVG.file(
      of: Self.adapted(
        try drawing(width: 760, height: 460, hasLegend: true), title: title, id: "chart"))
  }

  /// The legend as text of a page; empty if no curve has a title.
  package var legend: String {
    let entries = drawn.filter { !$0.title.isEmpty }.map { series in
      let colour = "var(--\(series.isFaint ? "f" : "c")\(series.colour % Self.colours))"
      let kind = !series.hasLine ? "point" : series.showsPoints ? "both" : "line"
      return "<li><i class=\"\(kind)\" style=\"color:\(colour)\"></i>"
        + "\(HTML.breakable(series.title))</li>"
    }
    return entries.isEmpty ? "" : "<ul class=\"legend\">\(entries.joined())</ul>"
  }

  private func drawing(width: Int, height: Int, hasLegend: Bool) throws(Failure) -> String {
    // Above the curves, where nothing else is drawn.
    let key =
      hasLegend
      ? "set key above left horizontal Left reverse textcolor rgb '\(Self.ink)' samplen 2 width 1"
      : "set key off"
    let head = """
      svg size \(width),\(height) dynamic enhanced font 'sans,14'
      set border 3 linecolor rgb '\(Self.ink)'
      set grid linecolor rgb '\(Self.grid)' linewidth 1 linetype 1
      set tics nomirror textcolor rgb '\(Self.ink)'
      set xlabel textcolor rgb '\(Self.ink)'
      set ylabel textcolor rgb '\(Self.ink)'
      \(key)
      set rmargin 2
      """
    return try Gnuplot.draw(
      // A letter takes some 8 pixels, and 10 where a narrow page enlarges it.
      script(terminal: head, letters: (width - 90) / 11) { series in
        let colour = "linecolor rgb '\(Self.colour(series.colour, isFaint: series.isFaint))'"
        guard series.hasLine else { return "with points pointtype 7 pointsize 1 \(colour)" }
        return series.showsPoints
          ? "with linespoints linewidth 2 pointtype 7 pointsize 0.5 \(colour)"
          : "with lines linewidth \(series.isFaint ? 1 : 2) \(colour)"
      })
  }

  /// Gives a drawing the page's colours and font, and unique identifiers.
  private static func adapted(_ drawing: String, title: String, id: String) -> String {
    var svg = drawing
    if let start = svg.range(of: "<svg") { svg.removeSubrange(..<start.lowerBound) }
    svg = svg.replacing("<title>Gnuplot</title>", with: "<title>\(HTML.escaped(title))</title>")
    svg = svg.replacing(/<desc>[^<]*<\/desc>/, with: "")
    svg = svg.replacing(/<rect x="0" y="0" [^>]*\/>/, with: "")
    svg = svg.replacing(/rgb\(\s*(\d+),\s*(\d+),\s*(\d+)\)/) { match in
      let numbers = [match.1, match.2, match.3].compactMap { Int($0) }
      return variable(numbers) ?? String(match.0)
    }
    svg = svg.replacing(/#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})\b/) { match in
      let numbers = [match.1, match.2, match.3].compactMap { Int($0, radix: 16) }
      return variable(numbers) ?? String(match.0)
    }
    svg = svg.replacing("font-family=\"sans\"", with: "font-family=\"inherit\"")
    for name in ["gpDot", "gpPt", "textbox", "greybox", "gnuplot_"] {
      svg = svg.replacing(name, with: id + name)
    }
    return svg.replacing("<svg", with: "<svg role=\"img\" class=\"chart\"", maxReplacements: 1)
  }

  private static func variable(_ colour: [Int]) -> String? {
    switch (colour[0], colour[1], colour[2]) {
    case (1, 2, 3): "var(--ink)"
    case (1, 2, 4): "var(--grid)"
    case (1, 2, 5): "var(--mark)"
    case (10, 0, 0..<colours): "var(--c\(colour[2]))"
    case (10, 1, 0..<colours): "var(--f\(colour[2]))"
    default: nil
    }
  }
}
