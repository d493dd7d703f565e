import Foundation
import System

/// The figures of an evaluation, as tables, JSON or CSV.
package struct EvaluationReport {
  let result: EnsembleEvaluation
  let checkpoints: [String]
  let weighting: EnsembleWeighting
  let title: String
  let names: (_ image: Int) -> String
  let worst: Int

  /// - Parameters:
  ///   - result: The figures.
  ///   - checkpoints: The networks' checkpoints.
  ///   - weighting: How their weights were chosen.
  ///   - title: What was measured, `validation images of 'pets', centre crop`.
  ///   - worst: How many confusions and errors to list.
  ///   - names: Gives an image's name.
  package init(
    _ result: EnsembleEvaluation, checkpoints: [String], weighting: EnsembleWeighting,
    title: String, worst: Int = 10, names: @escaping (_ image: Int) -> String
  ) {
    self.result = result
    self.checkpoints = checkpoints
    self.weighting = weighting
    self.title = title
    self.names = names
    self.worst = worst
  }

  var whole: Evaluation { result.whole }

  // MARK: Tables

  private func className(_ label: Int) -> String { escaped(whole.classNames[label]) }

  /// The report as tables.
  package var text: String {
    var lines: [String] = []
    if checkpoints.count > 1 {
      lines.append("Each network alone:")
      for (number, checkpoint) in checkpoints.enumerated() {
        lines.append(
          "  \(Self.figures(result.members[number])), weight "
            + String(format: "%.4f", result.weights[number]) + ": \(escaped(checkpoint))")
      }
      let part =
        weighting == .fitted
        ? "Averaged with weights fitted on the even-numbered images; all figures are from the "
          + "odd-numbered ones"
        : "Averaged"
      lines += [part + ":"]
    }
    lines += ["\(whole.images.count) \(title)", Self.figures(whole)]
    if let equal = result.equal { lines.append("With equal weights: \(Self.figures(equal))") }
    if let notice = whole.scarcityNotice { lines.append("Warning: \(notice)") }
    lines.append("")
    let lists = confusions + confidentErrors
    lines += classTable + (lists.isEmpty ? [] : [""] + lists)
    return lines.joined(separator: "\n") + "\n"
  }

  static func figures(_ evaluation: Evaluation) -> String {
    let (top1, top5) = (evaluation.top1Errors, evaluation.top5Errors)
    return String(
      format: "top-1 error %.2f %% (%d of %d), ", evaluation.percent(top1), top1,
      evaluation.images.count)
      + (evaluation.hasTop5Error
        ? String(format: "top-5 error %.2f %% (%d), ", evaluation.percent(top5), top5) : "")
      + String(format: "loss %.4f", evaluation.loss)
  }

  private var classTable: [String] {
    let errors = whole.classErrors.filter { $0.images > 0 }
    // More classes do not fit on a screen, so only the worst are listed.
    let most = 25
    let shown =
      errors.count <= most
      ? errors
      : Array(
        errors.sorted { $0.top1Errors * $1.images > $1.top1Errors * $0.images }.prefix(most))
    let heading =
      errors.count <= most
      ? "Errors by class:" : "Errors by class, the \(most) worst (all: --csv or --json):"
    func percent(_ share: Double?) -> String {
      share.map { String(format: "%8.2f", 100 * $0) } ?? "       -"
    }
    let hasTop5 = whole.hasTop5Error
    return [
      heading,
      "  images   top-1 %  \(hasTop5 ? " top-5 %  " : "")precis. % recall %      F1 %  class",
    ]
      + shown.map { errors in
        String(
          format: "  %6d  %8.2f  ", errors.images,
          100 * Double(errors.top1Errors) / Double(errors.images))
          + (hasTop5
            ? String(format: "%8.2f  ", 100 * Double(errors.top5Errors) / Double(errors.images))
            : "")
          + "\(percent(errors.precision))  \(percent(errors.recall))  \(percent(errors.f1))  "
          + className(errors.label)
      }
  }

  private var confusions: [String] {
    guard self.worst > 0 else { return [] }
    let worst = whole.worstConfusions(worst)
    guard !worst.isEmpty else { return ["No confusions."] }
    return ["Most frequent confusions:"]
      + worst.map {
        String(format: "  %6d  ", $0.count)
          + "\(className($0.label)) predicted as \(className($0.predicted))"
      }
  }

  private var confidentErrors: [String] {
    let errors = whole.mostConfidentErrors(worst)
    guard !errors.isEmpty else { return [] }
    return ["", "Most confident errors:"]
      + errors.map { place in
        String(format: "  %6.2f %%  ", 100 * whole.probabilities[place][0])
          + "\(escaped(names(whole.images[place]))): \(className(whole.labels[place])) predicted "
          + "as "
          + className(whole.best[place][0])
      }
  }

  // MARK: CSV

  /// The errors as CSV: one line for all classes, then one line per class.
  package var csv: String {
    func row(_ name: String, _ counts: [Int], _ shares: [Double?]) -> String {
      CSV.line([name] + counts.map(String.init) + shares.map { $0.map { "\($0)" } ?? "" })
    }
    var lines = [
      CSV.line(["class", "images", "top1Errors", "top5Errors", "precision", "recall", "f1"])
    ]
    lines.append(
      row(
        "(all)", [whole.images.count, whole.top1Errors, whole.top5Errors], [nil, nil, nil]))
    lines += whole.classErrors.map {
      row(
        whole.classNames[$0.label], [$0.images, $0.top1Errors, $0.top5Errors],
        [$0.precision, $0.recall, $0.f1])
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// The confusion matrix: one row per true class, one column per predicted class.
  package var confusionCSV: String {
    let rows = zip(whole.classNames, whole.confusion).map { name, row in
      CSV.line([name] + row.map(String.init))
    }
    return ([CSV.line(["true class"] + whole.classNames)] + rows).joined(separator: "\n") + "\n"
  }

  /// One line per image: its name, its true class, the five most probable classes and their
  /// probabilities.
  package var predictionsCSV: String {
    let shown = whole.best.first?.count ?? 0
    var lines = [
      CSV.line(
        ["image", "trueClass"] + (1...max(1, shown)).map { "class\($0)" }
          + (1...max(1, shown)).map { "probability\($0)" })
    ]
    for place in whole.images.indices {
      lines.append(
        CSV.line(
          [names(whole.images[place]), whole.classNames[whole.labels[place]]]
            + whole.best[place].map { whole.classNames[$0] }
            + whole.probabilities[place].map { "\($0)" }))
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
