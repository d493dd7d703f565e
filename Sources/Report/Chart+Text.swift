package import System

/// Charts in a terminal.
extension Chart {
  /// What the points of curves are drawn as.
  private static let letters = Array("*ox+#@%=abcdefghijklmnpqrstuvwyz")

  /// The chart drawn with characters, with its legend between its title and its curves, where no
  /// curve can hide it.
  /// - Parameters:
  ///   - width: Width in columns.
  ///   - height: Height in lines, without the legend.
  /// - Returns: Lines of text.
  /// - Throws: `Failure` if gnuplot is missing or reports an error.
  package func text(width: Int, height: Int) throws(Failure) -> String {
    var chart = self
    chart.series = drawn.filter { !$0.isFaint }.enumerated().map { number, series in
      var series = series
      series.colour = number
      return series
    }
    chart.marks = []
    let drawing = try Gnuplot.draw(
      "set key off\n"
        + chart.script(
          // The letters, not the pixels, are what is long: nine columns hold the labels of the
          // y axis, and five lines the title and the x axis.
          terminal: "dumb noenhanced size \(width),\(height - 1) aspect 1", isEnhanced: false,
          letters: width - 9, rows: height - 5
        ) { series in "with points pointtype '\(Self.letter(series))'" })
    // gnuplot starts with a form feed and fills its lines with blanks.
    let lines = drawing.split(separator: "\n").map { line in
      let end = line.lastIndex { !$0.isWhitespace }.map(line.index(after:)) ?? line.startIndex
      return line[..<end].filter { $0 != "\u{0C}" }
    }
    let title = Self.shortened(escaped(self.title), to: width)
    let head = title.isEmpty ? [] : [title.centred(in: width)]
    return (head + chart.legendLines(width) + lines.filter { !$0.isEmpty })
      .map { $0 + "\n" }.joined()
  }

  private static func letter(_ series: Series) -> Character {
    letters[series.colour % letters.count]
  }

  /// The legend, as many entries to a line as have room.
  private func legendLines(_ width: Int) -> [String] {
    var lines: [String] = []
    for series in series where !series.title.isEmpty {
      let entry = Self.shortened("\(Self.letter(series)) \(escaped(series.title))", to: width)
      if let last = lines.last, last.count + 3 + entry.count <= width {
        lines[lines.count - 1] += "   " + entry
      } else {
        lines.append(entry)
      }
    }
    return lines.map { $0.centred(in: width) }
  }

  /// A text that is cut in its middle where it is too long: names of runs often differ at their
  /// ends.
  private static func shortened(_ text: String, to width: Int) -> String {
    guard text.count > width, width > 0 else { return text }
    return text.prefix(width / 2) + "…" + text.suffix(width - width / 2 - 1)
  }
}

extension String {
  /// The text with blanks before it that put it in the middle of a line.
  fileprivate func centred(in width: Int) -> String {
    String(repeating: " ", count: max(0, (width - count) / 2)) + self
  }
}
