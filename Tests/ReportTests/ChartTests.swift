import Foundation
import Report
import TestSupport
import Testing

/// Curves, and what gnuplot makes of them.
@Suite struct ChartTests {
  static func curve(_ heights: [Double]) -> Curve {
    Curve(heights.enumerated().map { Curve.Point(Double($0.offset), $0.element) })
  }

  @Test func smoothingKeepsConstantsAndSymmetry() {
    #expect(Self.curve([3, 3, 3, 3]).smoothed(over: 5).points.allSatisfy { abs($0.y - 3) < 1e-12 })
    let peak = Self.curve([0, 0, 1, 0, 0]).smoothed(over: 1).points.map(\.y)
    #expect(abs(peak[0] - peak[4]) < 1e-12 && peak[2] > peak[1] && peak[1] > peak[0])
    // By hand: a half is kept from point to point, so from the left 0, 2/3 after 1, and from the
    // right 1.
    let pair = Self.curve([0, 1]).smoothed(over: 1).points.map(\.y)
    #expect(abs(pair[0] - (0 + 1 / 3.0) / 2) < 1e-12 && abs(pair[1] - (2 / 3.0 + 1) / 2) < 1e-12)
    #expect(Self.curve([1, .nan, 2, .infinity]).points.count == 2)
  }

  @Test func aLongCurveIsReducedToMeans() {
    let thin = Self.curve((0..<1000).map(Double.init)).thinned(to: 10)
    #expect(thin.points.count == 10)
    #expect(thin.points[0] == Curve.Point(49.5, 49.5))
    #expect(Self.curve([1, 2]).thinned(to: 10).points.count == 2)
  }

  @Test func aChartUsesThePagesColoursAndKeepsItsTexts() throws {
    var chart = Chart(
      "Loss <of> it", x: "epochs", y: "loss",
      [
        Chart.Series("run_1 & {co}", Self.curve([2, 1, 0.5]), colour: 0, hasPoints: true),
        Chart.Series("", Self.curve([2, 2, 1]), colour: 1, isFaint: true),
      ])
    chart.marks = [1]
    let svg = try chart.svg(id: "one")
    #expect(svg.hasPrefix("<svg ") && svg.contains("</svg>"))
    for text in ["var(--c0)", "var(--f1)", "var(--ink)", "var(--mark)", "run_1 &amp; {co}"] {
      #expect(svg.contains(text), "\(text)")
    }
    #expect(svg.contains("<title>Loss &lt;of&gt; it</title>"))
    #expect(!svg.contains("rgb(") && !svg.contains("<script"))
    // It is XML by itself.
    #expect(try XMLParserCheck.isWellFormed(svg))
  }

  /// Names come from files of others, and gnuplot has backquotes for a shell and `!` at the start
  /// of a line.
  @Test(arguments: [
    "c1`touch PATH`", "c1\r\n!touch PATH #\r\n", "c1\"\u{301}\n!touch PATH\n", "'`touch PATH`'",
    "c1'\u{301}, system('touch PATH')", "\\`touch PATH`", "a\\'; system('touch PATH'); '",
    "\u{2028}!touch PATH\u{2029}",
  ])
  func gnuplotNeverExecutesATitle(_ text: String) throws {
    let folder = TemporaryFolder()
    let path = folder.file("touched")
    let title = text.replacing("PATH", with: path)
    let chart = Chart(title, x: title, y: title, [.init(title, Self.curve([2, 1]), colour: 0)])
    let svg = try chart.svg(id: "one")
    _ = try chart.text(width: 100, height: 20)
    #expect(try folder.names(".").isEmpty)
    let isXML = try XMLParserCheck.isWellFormed(svg)
    #expect(isXML && svg.contains("touch"))
  }

  @Test(arguments: ["top-1 error", "lr-0.05", "step +12", "a#0123456789", "7.5 % (3)"])
  func digitsAfterSignsAreDrawnAsTheyAre(_ title: String) throws {
    let chart = Chart("Loss", x: "x-1", y: "y", [.init(title, Self.curve([2, 1]), colour: 0)])
    let text = try chart.text(width: 100, height: 20)
    #expect(text.contains(title) && text.contains("x-1"), "\(text)")
    let svg = try chart.svg(id: "c")
    #expect(svg.contains(title) && svg.contains("x-1"), "\(svg)")
  }

  @Test func aTextIsDrawnUnchanged() throws {
    let title = #"it's `a` "b" \'c_1'"#
    let chart = Chart("Loss", x: "x", y: "y", [.init(title, Self.curve([2, 1]), colour: 0)])
    #expect(try chart.text(width: 100, height: 20).contains(title))
    let escaped = title.replacing("\"", with: "&quot;")
    let svg = try chart.svg(id: "one")
    #expect(svg.contains(title) || svg.contains(escaped), "\(svg)")
  }

  @Test func aQuoteWithAnAccentIsEscapedInAttributes() throws {
    let svg = try Chart(
      "a\"\u{301} onload=\"x", x: "", y: "", [.init("", Self.curve([1]), colour: 0)]
    )
    .svg(id: "one")
    #expect(svg.contains("a&quot;\u{301} onload=&quot;x"))
  }

  @Test func aStandaloneFileHasItsOwnColoursAndADoublingAxis() throws {
    let ranks = Curve([1, 2, 4, 8].map { Curve.Point($0, 100 / $0) })
    var chart = Chart("Scaling", x: "ranks", y: "%", [Chart.Series("a", ranks, colour: 0)])
    var mark = Chart.Series("them", Curve([Curve.Point(4, 50)]), colour: 1)
    mark.hasLine = false
    chart.series.append(mark)
    chart.doubles = true
    let svg = try chart.svgFile()
    // Programs that know no style sheets draw a variable's name black.
    #expect(!svg.contains("var(") && svg.contains("them"))
    // The curve's colour, the mark's and the page's, of the light theme.
    #expect(svg.contains("#2266b4") && svg.contains("#c8511b") && svg.contains("fill=\"#fff\""))
    #expect(try XMLParserCheck.isWellFormed(svg))
    for tic in [1, 2, 4, 8] { #expect(svg.contains("> \(tic)</tspan>"), "\(tic)") }
  }

  /// The weights of a run that is dead do not move: gnuplot has no logarithm of that.
  @Test(arguments: [[0, 0, 0], [0], [0, 1e-3, 0]]) func zerosDoNotBreakALogarithmicAxis(
    _ heights: [Double]
  ) throws {
    var chart = Chart(
      "Movement", x: "steps", y: "share",
      [
        Chart.Series("conv1", Self.curve(heights), colour: 0, hasPoints: true),
        Chart.Series("conv2", Self.curve([0, 0]), colour: 1, hasPoints: true),
      ])
    chart.isLogarithmic = true
    let svg = try chart.svg(id: "one")
    #expect(svg.contains("conv1") && svg.contains("</svg>"))
    #expect(try chart.text(width: 60, height: 15).contains("conv2"))
  }

  @Test func theAxisOfASinglePointHasNoNegativeValues() throws {
    let point = Curve([Curve.Point(0.3, 2)])
    let text = try Chart("Loss", x: "epochs", y: "loss", [.init("a", point, colour: 0)])
      .text(width: 60, height: 15)
    let tics = try #require(text.split(separator: "\n").dropLast().last)
    #expect(tics.contains("0.1") && !tics.contains("-"), "\(text)")
  }

  @Test func controlCharactersAreVisibleOnAPage() throws {
    let title = "a\u{1B}[31mb\u{7}\u{202E}\u{9B}"
    let svg = try Chart(title, x: title, y: title, [.init(title, Self.curve([1]), colour: 0)])
      .svg(id: "one")
    #expect(svg.contains("<title>a\\u{1b}[31mb\\u{7}\\u{202e}\\u{9b}</title>"))
    #expect(!svg.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" && $0 != "\t" })
    #expect(try XMLParserCheck.isWellFormed(svg))
  }

  /// A curve that fills the chart, under the two places where legends have been.
  private static let filling = curve((0..<60).map { Double($0 * 7 % 23) })

  @Test(arguments: [40, 60, 80, 120], [10, 20])
  func noCurveHidesTheLegendOfATextChart(width: Int, height: Int) throws {
    let titles = ["training loss", "validation loss", "a run's long name, validation"]
    let chart = Chart(
      "Loss", x: "epochs", y: "loss",
      titles.enumerated().map { .init($0.element, Self.filling, colour: $0.offset) })
    let lines = try chart.text(width: width, height: height).split(separator: "\n")
    let top = try #require(lines.firstIndex { $0.contains("+---") })
    let (head, body) = (lines[..<top].joined(separator: "\n"), lines[top...].joined())
    for (title, letter) in zip(titles, "*ox") {
      #expect(head.contains("\(letter) \(title)") && !body.contains(title), "\(head)")
    }
    #expect(lines.allSatisfy { $0.count <= width })
    // The curves keep their room, and the labels of the y axis theirs.
    #expect(lines.count - top >= height - 3, "\(lines.count - top)")
    let labels = lines[top...].dropLast(2).filter { $0.contains(/^\s*[0-9.]+ [+|]/) }.count
    #expect(labels >= 2 && 2 * labels <= lines.count - top, "\(labels)")
  }

  @Test func moreRunsThanColoursAreToldApartAsText() throws {
    let names = (1...12).map { "run \($0)" }
    let text = try Chart(
      "Loss", x: "epochs", y: "loss",
      names.enumerated().map { .init($0.element, Self.curve([1, 2]), colour: $0.offset) }
    ).text(width: 60, height: 12)
    let letters = names.compactMap { name in
      text.firstMatch(of: try! Regex("(\\S) \(name)\\b"))?.output[1].substring
    }
    #expect(Set(letters).count == 12, "\(text)")
    // A name wider than the terminal is cut.
    let wide = try Chart(
      "Loss", x: "", y: "",
      [.init(String(repeating: "n", count: 90) + "end", Self.filling, colour: 0)]
    ).text(width: 40, height: 12)
    #expect(wide.split(separator: "\n").allSatisfy { $0.count <= 40 } && wide.contains("n…"))
    #expect(wide.contains("nend\n"))
  }

  /// Where a text of a drawing stands.
  private static func place(_ text: String, in svg: String) throws -> (x: Double, y: Double) {
    let pattern = try Regex(
      "translate\\(([0-9.]+),([0-9.]+)\\)[^>]*>\\s*<text><tspan[^>]*> *\(text)")
    let match = try #require(svg.firstMatch(of: pattern), "\(text)")
    let numbers = [1, 2].compactMap { match.output[$0].substring.flatMap { Double($0) } }
    return (numbers[0], numbers[1])
  }

  @Test func theLegendOfAFileStandsAboveTheCurvesAndNamesTheMark() throws {
    var chart = Chart(
      "Loss by learning rate", x: "rate", y: "loss",
      [
        .init("single steps", Self.filling, colour: 1, isFaint: true),
        .init("smoothed", Self.filling, colour: 0),
      ])
    chart.marks = [20]
    chart.markTitle = "suggestion 0_001"
    let svg = try chart.svgFile()
    // The highest tick of the y axis.
    let top = try Self.place("25<", in: svg).y
    for title in ["single steps", "smoothed", "suggestion 0_001"] {
      #expect(try Self.place(title, in: svg).y < top - 10, "\(title)")
    }
    chart.marks = [1000]
    #expect(try !chart.svgFile().contains("suggestion"))
  }

  /// Letters of 14 pixels that stand upright reach some 11 beyond their line.
  @Test func theAxisTitleHasRoomBesideWideLabels() throws {
    let chart = Chart(
      "Loss", x: "epochs", y: "loss (nats)",
      [.init("a", Self.curve([1.0822, 1.09, 1.0998]), colour: 0)])
    for svg in [try chart.svg(id: "a"), try chart.svg(id: "a", hasLegend: false)] {
      #expect(svg.contains("> 1.084</tspan>"))
      let pattern = /translate\(([0-9.-]+),[0-9.]+\) rotate\(270\)/
      let match = try #require(svg.firstMatch(of: pattern))
      #expect(Double(match.1) ?? 0 > 13)
    }
  }

  @Test func aPageSetsTheLegendAsText() throws {
    let chart = Chart(
      "Loss", x: "epochs", y: "loss",
      [
        .init("", Self.filling, colour: 0, isFaint: true),
        .init("run_<1>", Self.filling, colour: 9, hasPoints: true),
        .init("nothing yet", Self.curve([]), colour: 2),
      ])
    let legend = chart.legend
    #expect(legend.contains("run_<wbr>&lt;1&gt;") && legend.contains("var(--c1)"))
    #expect(legend.ranges(of: "<li>").count == 1)
    let svg = try chart.svg(id: "a", hasLegend: false)
    #expect(svg.ranges(of: "run_").count == 1, "only the curve's own title")
    #expect(try XMLParserCheck.isWellFormed(legend.replacing("<wbr>", with: "")))
  }

  @Test func singlePointsAndTextChartsAreDrawn() throws {
    let chart = Chart(
      "Loss", x: "epochs", y: "loss", [Chart.Series("a", Self.curve([2]), colour: 0)])
    #expect(try chart.svg(id: "x").contains("</svg>"))
    let text = try Chart(
      "Loss", x: "epochs", y: "loss", [Chart.Series("my_run", Self.curve([3, 2, 1]), colour: 0)]
    ).text(width: 60, height: 15)
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.allSatisfy { $0.count <= 60 } && lines.count >= 12)
    #expect(text.contains("my_run") && text.contains("*") && text.contains("epochs"))
  }
}

/// The unit of time that a run's charts have.
@Suite struct TimeUnitTests {
  @Test(arguments: [
    (0.0001, "seconds"), (0.033, "seconds"), (0.034, "minutes"), (1.9, "minutes"), (2, "hours"),
  ]) func aTimesUnitSuitsTheRun(hours: Double, name: String) {
    let unit = RunCharts.TimeUnit(for: hours)
    #expect(unit.name == name)
    #expect(unit.perHour == ["seconds": 3600, "minutes": 60, "hours": 1][name])
  }
}

/// Whether a text is XML.
enum XMLParserCheck {
  static func isWellFormed(_ text: String) throws -> Bool {
    let reading = "import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.stdin)"
    return try Program.run(["python3", "-c", reading], input: Array(text.utf8)).code == 0
  }
}
