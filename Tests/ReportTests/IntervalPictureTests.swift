import Report
import Testing

@Suite struct IntervalPictureTests {
  /// The picture's elements of a kind with their attributes.
  private func elements(_ name: String, _ svg: String) -> [[String: String]] {
    svg.matches(of: /<([a-z]+) ([^>]*)\/>/).filter { $0.1 == name[...] }.map { match in
      Dictionary(
        uniqueKeysWithValues: match.2.matches(of: /([a-z0-9-]+)="([^"]*)"/).map {
          (String($0.1), String($0.2))
        })
    }
  }

  @Test func pointsAndIntervalsStandWhereTheirNumbersAre() throws {
    let svg = IntervalPicture(
      "Title <1>", label: "points", mark: 0,
      [
        .init("first", points: [1, 3], mean: 2, interval: -1...5),
        .init("second", points: [4], mean: 4, interval: nil),
        .init("third", points: [], mean: .nan, interval: nil),
      ]
    ).svgFile
    #expect(svg.contains("<title>Title &lt;1&gt;</title>") && !svg.contains("nan"))
    // A row without figures is not left out, which would look as if it had not been tried.
    #expect(svg.contains(">third</text>") && svg.contains(">no figure</text>"))
    let points = elements("circle", svg).map { Double($0["cx"] ?? "") ?? .nan }
    #expect(points.count == 3)
    // Equal numbers are equally far apart: 1, 3 and 4.
    #expect(abs((points[1] - points[0]) - 2 * (points[2] - points[1])) < 0.2)
    let lines = elements("line", svg)
    let interval = try #require(
      lines.first { $0["stroke-width"] == "3" && $0["y1"] == $0["y2"] })
    let ends = [interval["x1"], interval["x2"]].map { Double($0 ?? "") ?? .nan }
    let unit = points[2] - points[1]
    #expect(abs(ends[0] - (points[0] - 2 * unit)) < 0.3 && abs(ends[1] - (points[2] + unit)) < 0.3)
    let mark = try #require(lines.first { $0["stroke-dasharray"] != nil })
    #expect(abs((Double(mark["x1"] ?? "") ?? .nan) - (points[0] - unit)) < 0.3)
  }
}
