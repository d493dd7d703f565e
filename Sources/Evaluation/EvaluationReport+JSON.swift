import JSON

extension EvaluationReport {
  private struct Figures: Encodable {
    let images: Int
    let loss: Double
    let top1Error: Double
    let top1Errors: Int
    let top5Error: Double
    let top5Errors: Int

    init(_ evaluation: Evaluation) {
      images = evaluation.images.count
      loss = evaluation.loss
      (top1Errors, top5Errors) = (evaluation.top1Errors, evaluation.top5Errors)
      top1Error = evaluation.percent(evaluation.top1Errors)
      top5Error = evaluation.percent(evaluation.top5Errors)
    }
  }

  private struct Member: Encodable {
    let checkpoint: String
    let weight: Double
    let figures: Figures
  }

  private struct ClassFigures: Encodable {
    let name: String
    let images: Int
    let top1Errors: Int
    let top5Errors: Int
    let predictions: Int
    /// Left out where there is nothing to divide by.
    let precision: Double?
    let recall: Double?
    let f1: Double?

    init(_ errors: Evaluation.ClassErrors, name: String) {
      self.name = name
      (images, top1Errors, top5Errors) = (errors.images, errors.top1Errors, errors.top5Errors)
      predictions = errors.predictions
      (precision, recall, f1) = (errors.precision, errors.recall, errors.f1)
    }
  }

  private struct ConfusionFigures: Encodable {
    let trueClass: String
    let predicted: String
    let images: Int
  }

  private struct ErrorFigures: Encodable {
    let image: String
    let trueClass: String
    let predicted: String
    let probability: Double
  }

  private struct Document: Encodable {
    let measured: String
    let figures: Figures
    let weights: String
    /// With equal weights on the same images, where the weights are fitted.
    let equalWeights: Figures?
    let members: [Member]
    let classes: [ClassFigures]
    let worstConfusions: [ConfusionFigures]
    let mostConfidentErrors: [ErrorFigures]
  }

  /// One JSON object.
  package var json: String {
    let document = Document(
      measured: title, figures: Figures(whole),
      weights: weighting == .fitted
        ? "fitted on the images of even number, figures from those of odd number"
        : weighting == .equal ? "equal" : "given",
      equalWeights: result.equal.map(Figures.init),
      members: checkpoints.indices.map {
        Member(
          checkpoint: checkpoints[$0], weight: result.weights[$0],
          figures: Figures(result.members[$0]))
      },
      classes: whole.classErrors.map {
        ClassFigures($0, name: whole.classNames[$0.label])
      },
      worstConfusions: whole.worstConfusions(worst).map {
        ConfusionFigures(
          trueClass: whole.classNames[$0.label], predicted: whole.classNames[$0.predicted],
          images: $0.count)
      },
      mostConfidentErrors: whole.mostConfidentErrors(worst).map {
        ErrorFigures(
          image: names(whole.images[$0]), trueClass: whole.classNames[whole.labels[$0]],
          predicted: whole.classNames[whole.best[$0][0]], probability: whole.probabilities[$0][0])
      })
    return JSONText.encode(document) + "\n"
  }
}
