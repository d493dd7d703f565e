import AlexNet
import Glibc

/// The results of several networks on the same images, averaged and separately.
package struct EnsembleEvaluation: Sendable, Equatable {
  /// The result of their weighted mean.
  package let whole: Evaluation
  /// The result of each network, in the order given.
  package let members: [Evaluation]
  /// The networks' weights; the sum is 1.
  package let weights: [Double]
  /// The result of their mean with equal weights, where the weights were fitted.
  package let equal: Evaluation?

  package init(
    whole: Evaluation, members: [Evaluation], weights: [Double], equal: Evaluation? = nil
  ) {
    self.whole = whole
    self.members = members
    self.weights = weights
    self.equal = equal
  }
}

/// The result for one image.
struct Outcome {
  let image: Int
  let label: Int
  let ahead: Int
  let best: [Int]
  let probabilities: [Double]
  let trueProbability: Double
  let all: [Double]

  init(image: Int, label: Int, ahead: Int? = nil, prediction: Prediction) {
    self.image = image
    self.label = label
    self.ahead = ahead ?? prediction.classesAhead(of: label)
    best = prediction.best()
    probabilities = best.map { prediction.probabilities[$0] }
    trueProbability = prediction.probabilities[label]
    all = prediction.probabilities
  }
}

/// The results for one rank's images.
struct Outcomes {
  /// The result of each image.
  private(set) var list: [Outcome] = []
  /// The batch number of each image.
  private(set) var batch: [Int] = []
  /// All probabilities, images x classes, if they are needed.
  private(set) var probabilities: [Float] = []
  /// The sum of the losses of each batch; 0 for those of other ranks.
  var losses: [Double]

  init(batches: Int) { losses = [Double](repeating: 0, count: batches) }

  mutating func add(_ outcome: Outcome, batch: Int, keepsAll: Bool = false) {
    list.append(outcome)
    self.batch.append(batch)
    losses[batch] -= log(max(outcome.trueProbability, .leastNonzeroMagnitude))
    if keepsAll { probabilities += outcome.all.map { Float($0) } }
  }

  /// The results of some of the images.
  func keeping(_ isKept: (_ image: Int) -> Bool) -> Outcomes {
    if list.allSatisfy({ isKept($0.image) }) { return self }
    var kept = Outcomes(batches: losses.count)
    for (outcome, batch) in zip(list, batch) where isKept(outcome.image) {
      kept.add(outcome, batch: batch)
    }
    return kept
  }
}
