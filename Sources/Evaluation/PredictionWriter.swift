package import AlexNet
import Foundation
import JSON
import System

/// The output format of predictions.
package enum PredictionFormat: Sendable {
  /// A table for people.
  case table
  /// One JSON object per line.
  case json
  /// Comma-separated values, with a heading.
  case csv
}

/// Writes a network's predictions for pictures.
package struct PredictionWriter: Sendable {
  private let format: PredictionFormat
  private let classNames: [String]
  private let top: Int

  /// - Parameters:
  ///   - format: The output format.
  ///   - classNames: The names of the classes.
  ///   - top: How many classes to list.
  package init(_ format: PredictionFormat, classNames: [String], top: Int) {
    self.format = format
    self.classNames = classNames
    self.top = top
  }

  /// The text before the first picture.
  package var heading: String {
    guard format == .csv else { return "" }
    return CSV.line(
      ["image"] + (1...top).map { "class\($0)" } + (1...top).map { "probability\($0)" }) + "\n"
  }

  private struct Line: Encodable {
    let image: String
    let classes: [Entry]

    struct Entry: Encodable {
      let name: String
      let probability: Double
    }
  }

  /// The text for a picture's prediction.
  package func text(_ file: String, _ prediction: Prediction) -> String {
    let best = prediction.best(top)
    switch format {
    case .table:
      return
        ([escaped(file)]
        + best.map {
          String(format: "  %6.2f %%  ", 100 * prediction.probabilities[$0])
            + escaped(classNames[$0])
        }).joined(separator: "\n") + "\n"
    case .json:
      let line = Line(
        image: file,
        classes: best.map {
          Line.Entry(name: classNames[$0], probability: prediction.probabilities[$0])
        })
      return JSONText.encode(line, isPretty: false) + "\n"
    case .csv:
      return CSV.line(
        [file] + best.map { classNames[$0] } + best.map { "\(prediction.probabilities[$0])" })
        + "\n"
    }
  }
}
