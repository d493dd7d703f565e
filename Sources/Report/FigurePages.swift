import Evaluation
import Foundation

/// The report's sections about a network's predictions.
struct FigurePages {
  private let figures: NetworkFigures

  init(_ figures: NetworkFigures) { self.figures = figures }

  private var evaluation: Evaluation { figures.evaluation }
  private func name(_ label: Int) -> String { HTML.escaped(evaluation.classNames[label]) }

  /// The note on which images the figures come from.
  private var source: String {
    let (shown, all) = (evaluation.images.count, figures.imageCount)
    return (shown == all ? "All \(all) validation images" : "\(shown) of \(all) validation images")
      + (figures.steps.map { ", checkpoint of step \($0)" } ?? "")
      + String(
        format: ": top-1 error %.2f %%", evaluation.percent(evaluation.top1Errors))
      + (evaluation.hasTop5Error
        ? String(format: ", top-5 error %.2f %%.", evaluation.percent(evaluation.top5Errors)) : ".")
  }

  /// The paper's figure 4, left.
  var predictions: String {
    let samples = figures.samples.map { sample in
      let bars = zip(sample.best, sample.probabilities).map { label, probability in
        let percent = String(format: "%.1f", 100 * probability)
        return
          "<div class=\"bar\(label == sample.label ? " true" : "")\"><i "
          + "style=\"width:\(percent)%\"></i><span><em>\(name(label))</em>\(percent) %</span></div>"
      }
      return "<figure class=\"sample\"><img loading=\"lazy\" alt=\"\(name(sample.label))\" src=\""
        + HTML.dataAddress(sample.jpeg, type: "image/jpeg")
        + "\"><figcaption>\(name(sample.label))</figcaption>\(bars.joined())</figure>"
    }
    return HTML.section(
      "Predictions",
      "The five most probable classes; the true one is green. \(source)",
      "<div class=\"samples\">\(samples.joined())</div>")
  }

  /// Wrong predictions with their explanations.
  var mistakes: String {
    let figures = figures.mistakes.map { mistake in
      let sample = mistake.sample
      let pictures = mistake.pictures.map { name, jpeg in
        "<img loading=\"lazy\" title=\"\(name)\" alt=\"\(name)\" src=\""
          + HTML.dataAddress(jpeg, type: "image/jpeg") + "\">"
      }
      let percent = String(format: "%.1f", 100 * sample.probabilities[0])
      return "<figure class=\"mistake\"><div>\(pictures.joined())</div><figcaption>"
        + "<b>\(name(sample.label))</b> taken for <b>\(name(sample.best[0]))</b>, \(percent) %"
        + "<br>\(HTML.escaped(sample.name))</figcaption></figure>"
    }
    return HTML.section(
      "Surest mistakes",
      "The wrong predictions with the highest probabilities, and where the network looked. Middle: "
        + "how far the predicted class's probability falls (orange) or rises (blue) where a grey "
        + "square hides a part. Right: where the maps of the last convolution speak for the class "
        + "(Grad-CAM). Each picture has its own scale; 'alexnet explain' draws them with theirs.",
      figures.isEmpty ? "" : "<div class=\"mistakes\">\(figures.joined())</div>")
  }

  /// The paper's figure 4, right.
  var neighbours: String {
    let cells = figures.neighbours.flatMap { $0 }.map { sample in
      "<img loading=\"lazy\" title=\"\(name(sample.label))\" alt=\"\(name(sample.label))\" src=\""
        + HTML.dataAddress(sample.jpeg, type: "image/jpeg") + "\">"
    }
    return HTML.section(
      "Nearest neighbours",
      "Each row shows a query and the six images with the nearest features in the last hidden "
        + "layer (Euclidean distance), as in the paper's figure 4.",
      cells.isEmpty ? "" : "<div class=\"neighbours\">\(cells.joined())</div>")
  }

  /// The largest number of classes in a table.
  private static let mostClasses = 20

  /// The confusion matrix, or its worst entries if there are many classes.
  var confusion: String {
    let names = evaluation.classNames
    guard names.count <= Self.mostClasses else {
      let worst = evaluation.worstConfusions(30).map {
        [name($0.label), name($0.predicted), "\($0.count)"]
      }
      return HTML.section(
        "Most frequent confusions", HTML.escaped(source),
        HTML.table(["true class", "predicted class", "images"], worst, numbers: [2]))
    }
    let matrix = evaluation.confusion
    var rows = ""
    for (label, row) in matrix.enumerated() {
      let total = max(1, row.reduce(0, +))
      rows +=
        "<tr><th>\(name(label))</th>"
        + row.map { count in
          let share = Double(count) / Double(total)
          let heat = String(format: "%.2f", 0.85 * share.squareRoot())
          return "<td style=\"background:rgba(var(--hot),\(heat))\">"
            + "\(count == 0 ? "" : String(count))</td>"
        }.joined() + "</tr>"
    }
    let head = "<tr><th></th>" + names.indices.map { "<th>\(name($0))</th>" }.joined() + "</tr>"
    return HTML.section(
      "Confusion matrix", "Rows: true classes. Columns: predicted ones. \(HTML.escaped(source))",
      "<div class=\"scroll\"><table "
        + "class=\"matrix\"><thead>\(head)</thead><tbody>\(rows)</tbody></table></div>"
    )
  }

  /// Errors by class, the worst first.
  var classErrors: String {
    let errors = evaluation.classErrors.filter { $0.images > 0 }
      .sorted { $0.top1Errors * $1.images > $1.top1Errors * $0.images }
    func row(_ errors: Evaluation.ClassErrors) -> [String] {
      let share = 100 * Double(errors.top1Errors) / Double(errors.images)
      return [
        name(errors.label), "\(errors.images)", String(format: "%.1f", share),
        evaluation.hasTop5Error
          ? String(format: "%.1f", 100 * Double(errors.top5Errors) / Double(errors.images)) : "–",
      ]
        + [errors.precision, errors.recall, errors.f1].map {
          $0.map { String(format: "%.1f", 100 * $0) } ?? "–"
        }
    }
    let heading = [
      "class", "images", "top-1 error %", "top-5 error %", "precision %", "recall %", "F1 %",
    ]
    let notice = evaluation.scarcityNotice.map { " " + HTML.escaped($0) } ?? ""
    let (shown, rest) = (errors.prefix(Self.mostClasses), errors.dropFirst(Self.mostClasses))
    let more =
      rest.isEmpty
      ? ""
      : "<details><summary>\(rest.count) more classes</summary>"
        + HTML.table(heading, rest.map(row), numbers: [1, 2, 3, 4, 5, 6]) + "</details>"
    return HTML.section(
      "Error by class",
      "The worst class first. Precision: of what is predicted as the class, how much is of it; "
        + "recall: of the class, how much is found; F1: their harmonic mean.\(notice)",
      HTML.table(heading, shown.map(row), numbers: [1, 2, 3, 4, 5, 6]) + more)
  }
}
