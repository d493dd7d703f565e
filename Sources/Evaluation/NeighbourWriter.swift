package import AlexNet
import Foundation
import JSON
import System

/// Writes the neighbours of pictures.
package struct NeighbourWriter: Sendable {
  private let format: PredictionFormat
  private let names: [String]
  private let classNames: [String]
  private let pictures: SetPictures

  /// - Parameters:
  ///   - format: The output format.
  ///   - names: The names of the set's pictures.
  ///   - classNames: The names of the network's classes.
  ///   - pictures: The set's pictures.
  package init(
    _ format: PredictionFormat, names: [String], classNames: [String], pictures: SetPictures
  ) {
    (self.format, self.names) = (format, names)
    (self.classNames, self.pictures) = (classNames, pictures)
  }

  /// The text before the first picture.
  package var heading: String {
    format == .csv
      ? CSV.line(["image", "rank", "neighbour", "distance", "class", "predicted"]) + "\n" : ""
  }

  private struct Line: Encodable {
    let image: String
    let predicted: String
    let probability: Double
    let neighbours: [Entry]

    struct Entry: Encodable {
      let name: String
      let distance: Double
      let `class`: String?
    }
  }

  /// The text for a picture's neighbours.
  package func text(
    _ file: String, _ prediction: Prediction, _ found: [NearestNeighbours.Neighbour]
  ) -> String {
    let best = prediction.best(1)[0]
    let probability = prediction.probabilities[best]
    switch format {
    case .table:
      return
        ([
          "\(escaped(file))  (predicted: \(escaped(classNames[best])), "
            + String(format: "%.2f %%)", 100 * probability)
        ]
        + found.map { found in
          let name = pictures.className(found.row)
          return String(format: "  %10.4f  ", found.distance) + escaped(names[found.row])
            + (name.map { "  (\(escaped($0)))" } ?? "")
        }).joined(separator: "\n") + "\n"
    case .json:
      let line = Line(
        image: file, predicted: classNames[best], probability: probability,
        neighbours: found.map {
          Line.Entry(
            name: names[$0.row], distance: $0.distance, class: pictures.className($0.row))
        })
      return JSONText.encode(line, isPretty: false) + "\n"
    case .csv:
      return found.enumerated().map { place, found in
        CSV.line([
          file, "\(place + 1)", names[found.row], "\(found.distance)",
          pictures.className(found.row) ?? "", classNames[best],
        ]) + "\n"
      }.joined()
    }
  }
}
