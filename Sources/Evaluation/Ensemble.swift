import AlexNet
import MPI
import System

/// The weights of the networks in an ensemble.
package enum EnsembleWeighting: Sendable, Equatable {
  /// All the same, as in the paper.
  case equal
  /// Given by the user, in the order of the networks.
  case given([Double])
  /// Fitted on the even-numbered images; the errors of the odd-numbered images are reported.
  case fitted
}

extension EnsembleWeighting {
  /// The share of each of some weights of 0 or more, not all 0.
  ///
  /// By the largest of them first: their own sum may be beyond all numbers.
  package static func shares(_ weights: [Double]) -> [Double] {
    let largest = weights.max() ?? 1
    let scaled = weights.map { $0 / largest }
    let sum = scaled.reduce(0, +)
    return scaled.map { $0 / sum }
  }

  /// The weights under which the true classes are most probable, by expectation maximisation for a
  /// mixture.
  ///
  /// w_k <- mean over images of w_k p_k / sum over j of w_j p_j.
  ///
  /// The log-likelihood is concave in w and increases with every round.
  /// - Parameter rows: For each image, the probability that each network gave its true class.
  /// - Returns: One weight per network; their sum is 1.
  package static func fit(_ rows: [[Double]]) -> [Double] {
    guard let count = rows.first?.count else { return [] }
    var weights = [Double](repeating: 1 / Double(count), count: count)
    for _ in 0..<10_000 {
      var sums = [Double](repeating: 0, count: count)
      for row in rows {
        let total = zip(weights, row).reduce(0) { $0 + $1.0 * $1.1 }
        guard total > 0 else { continue }
        for k in 0..<count { sums[k] += weights[k] * row[k] / total }
      }
      let all = sums.reduce(0, +)
      guard all > 0 else { return weights }
      let next = sums.map { $0 / all }
      let change = zip(next, weights).map { abs($0 - $1) }.max() ?? 0
      weights = next
      if change < 1e-9 { break }
    }
    return weights
  }
}

/// The probabilities that several networks gave for one rank's images.
///
/// An ensemble's output is sum over k of w_k p_k, with w_k >= 0 and sum of w_k = 1.
struct Ensemble {
  private let classes: Int
  private let members: [Outcomes]

  init(_ members: [Outcomes], classes: Int) {
    self.members = members
    self.classes = classes
  }

  /// The weights; all ranks call this together and get the same weights.
  func weights(
    _ weighting: EnsembleWeighting, images: Int, over world: Communicator
  ) throws -> [Double] {
    switch weighting {
    case .equal: return members.map { _ in 1 / Double(members.count) }
    case .given(let weights):
      return EnsembleWeighting.shares(weights)
    case .fitted:
      var truths = [Double](repeating: 0, count: images * members.count)
      for (number, member) in members.enumerated() {
        for outcome in member.list {
          truths[outcome.image * members.count + number] = outcome.trueProbability
        }
      }
      try world.allReduce(&truths, .sum)
      let rows = stride(from: 0, to: images, by: 2).map {
        Array(truths[$0 * members.count..<($0 + 1) * members.count])
      }
      return EnsembleWeighting.fit(rows)
    }
  }

  /// The results of the ensemble.
  func outcomes(_ weights: [Double]) -> Outcomes {
    let first = members[0]
    var result = Outcomes(batches: first.losses.count)
    for (place, outcome) in first.list.enumerated() {
      var mean = [Double](repeating: 0, count: classes)
      for (member, weight) in zip(members, weights) {
        for label in 0..<classes {
          mean[label] += weight * Double(member.probabilities[place * classes + label])
        }
      }
      result.add(
        Outcome(
          image: outcome.image, label: outcome.label, prediction: Prediction(probabilities: mean)),
        batch: first.batch[place])
    }
    return result
  }
}
