import Foundation
import JSON
import System

/// Writes the neighbours of pictures.
package struct NeighbourWriter: Sendable {
  private let format: PredictionFormat
  private let names: [String]

  /// - Parameters:
  ///   - format: The output format.
  ///   - names: The names of the set's pictures.
  package init(_ format: PredictionFormat, names: [String]) {
    self.format = format
    self.names = names
  }

  /// The text before the first picture.
  package var heading: String {
    format == .csv ? CSV.line(["image", "rank", "neighbour", "distance"]) + "\n" : ""
  }

  private struct Line: Encodable {
    let image: String
    let neighbours: [Entry]

    struct Entry: Encodable {
      let name: String
      let distance: Double
    }
  }

  /// The text for a picture's neighbours.
  package func text(_ file: String, _ found: [NearestNeighbours.Neighbour]) -> String {
    switch format {
    case .table:
      return
        ([escaped(file)]
        + found.map { String(format: "  %10.4f  ", $0.distance) + escaped(names[$0.row]) })
        .joined(separator: "\n") + "\n"
    case .json:
      let line = Line(
        image: file,
        neighbours: found.map { Line.Entry(name: names[$0.row], distance: $0.distance) })
      return JSONText.encode(line, isPretty: false) + "\n"
    case .csv:
      return found.enumerated().map { place, found in
        CSV.line([file, "\(place + 1)", names[found.row], "\(found.distance)"]) + "\n"
      }.joined()
    }
  }
}
