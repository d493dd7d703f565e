package import AlexNet
package import System

/// Pictures and those of a set that are nearest to them, drawn: a row for each query.
package struct NeighbourSheet {
  /// A picture with what is written below it.
  package struct Cell {
    let picture: SquarePicture
    let lines: [String]

    package init(_ picture: SquarePicture, _ lines: [String]) {
      (self.picture, self.lines) = (picture, lines)
    }
  }

  /// The most rows of a sheet, and the most neighbours in a row: it must open in a browser.
  package static let (mostRows, mostNeighbours) = (100, 12)

  private static let (side, gap, textHeight, top) = (128.0, 12.0, 44.0, 40.0)
  private static var rowHeight: Double { side + textHeight + gap }

  private var rows: [Substring] = []

  package init() {}

  /// A row: the query, which has a frame, then its neighbours.
  /// - Throws: `Failure` (internal) if a picture cannot be encoded.
  package static func row(_ cells: [Cell]) throws(Failure) -> String {
    var row = ""
    for (number, cell) in cells.enumerated() {
      let x = gap + Double(number) * (side + gap)
      row += try SVG.image(cell.picture.scaled(to: Int(side)), x: x, y: 0, side: side)
      for (line, text) in cell.lines.enumerated() {
        row += SVG.text(
          text, x: x, y: side + 17 + 17 * Double(line), colour: line == 0 ? SVG.ink : SVG.quiet,
          isBold: line == 0, most: 18)
      }
      guard number == 0 else { continue }
      row +=
        "<rect x=\"\(SVG.number(x))\" y=\"0\" width=\"\(SVG.number(side))\" height=\""
        + "\(SVG.number(side))\" fill=\"none\" stroke=\"#c8511b\" stroke-width=\"3\"/>\n"
    }
    return row
  }

  /// Whether there is no room for more rows.
  package var isFull: Bool { rows.count >= Self.mostRows }

  /// Adds rows below the others, as far as there is room; each ends in a zero byte.
  package mutating func append(_ texts: [String]) {
    rows += texts.flatMap { $0.split(separator: "\0") }.prefix(Self.mostRows - rows.count)
  }

  /// The sheet as a file, with so many pictures in a row.
  package func svgFile(columns: Int) -> String {
    let body = rows.enumerated().map { number, row in
      "<g transform=\"translate(0 \(SVG.number(Self.top + Double(number) * Self.rowHeight)))\">\n"
        + row + "</g>\n"
    }
    return SVG.file(
      width: Double(columns) * (Self.side + Self.gap) + Self.gap,
      height: Self.top + Double(rows.count) * Self.rowHeight,
      title: "Pictures and the nearest ones by the network's features",
      SVG.text("Query", x: Self.gap, y: 26, isBold: true)
        + SVG.text(
          "Nearest by the last hidden layer's features, with their distances",
          x: 2 * Self.gap + Self.side, y: 26, isBold: true)
        + body.joined())
  }
}
