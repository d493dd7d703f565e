import Data
import Networks

/// The predictions for every image of a split, and the figures computed from them.
package struct Evaluation: Sendable, Equatable {
  /// The names of the classes; a label is an index into this list.
  package let classNames: [String]
  /// The images' numbers in their split, in ascending order.
  package let images: [Int]
  /// The true class of each image.
  package let labels: [Int]
  /// Each image's most probable classes, at most five, in descending order of probability.
  package let best: [[Int]]
  /// Their probabilities.
  package let probabilities: [[Double]]
  /// How many classes rank ahead of the true one.
  package let ahead: [Int]
  /// The mean loss over the images, -ln p of the true class, in nats.
  package let loss: Double

  package init(
    classNames: [String], images: [Int], labels: [Int], best: [[Int]], probabilities: [[Double]],
    ahead: [Int], loss: Double
  ) {
    self.classNames = classNames
    self.images = images
    self.labels = labels
    self.best = best
    self.probabilities = probabilities
    self.ahead = ahead
    self.loss = loss
  }

  /// The number of images whose true class is not the most probable.
  package var top1Errors: Int { ahead.count { $0 >= 1 } }
  /// The number of images whose true class is not among the five most probable.
  package var top5Errors: Int { ahead.count { $0 >= 5 } }
  /// Whether the top-5 error says anything.
  package var hasTop5Error: Bool {
    NetworkSpecification.hasTop5Error(classes: classNames.count)
  }

  /// A number of images in percent.
  package func percent(_ count: Int) -> Double {
    100 * Double(count) / Double(max(1, images.count))
  }

  /// The number of images of each true class (row) predicted as each class (column).
  package var confusion: [[Int]] {
    var matrix = [[Int]](
      repeating: [Int](repeating: 0, count: classNames.count), count: classNames.count)
    for (label, best) in zip(labels, best) { matrix[label][best[0]] += 1 }
    return matrix
  }

  /// The errors of one class.
  package struct ClassErrors: Sendable, Equatable {
    /// The class.
    package let label: Int
    /// The number of its images.
    package var images = 0
    /// Those for which another class was the most probable.
    package var top1Errors = 0
    /// Those for which it was not among the five most probable.
    package var top5Errors = 0
    /// The images, of whatever class, for which it was the most probable.
    package var predictions = 0

    private var hits: Int { images - top1Errors }

    /// The fraction of the images predicted as this class that are of it; nil where there are none.
    package var precision: Double? { predictions == 0 ? nil : Double(hits) / Double(predictions) }

    /// The fraction of the class's images that are predicted as it; nil where there are none.
    package var recall: Double? { images == 0 ? nil : Double(hits) / Double(images) }

    /// The harmonic mean of precision and recall; nil where the class neither has images nor is
    /// predicted.
    package var f1: Double? {
      images + predictions == 0 ? nil : 2 * Double(hits) / Double(images + predictions)
    }
  }

  /// The errors class by class.
  package var classErrors: [ClassErrors] {
    var result = classNames.indices.map { ClassErrors(label: $0) }
    for best in best { result[best[0]].predictions += 1 }
    for (label, ahead) in zip(labels, ahead) {
      result[label].images += 1
      if ahead >= 1 { result[label].top1Errors += 1 }
      if ahead >= 5 { result[label].top5Errors += 1 }
    }
    return result
  }

  /// What is said where classes have so few images that their figures mean little; nil where none
  /// has.
  package var scarcityNotice: String? {
    ClassScarcity(classErrors.map(\.images), names: classNames).notice(of: "measured")
  }

  /// A true class, a predicted class, and how often they were confused.
  package struct Confusion: Sendable, Equatable {
    /// The true class.
    package let label: Int
    /// The predicted class.
    package let predicted: Int
    /// The number of images.
    package let count: Int
  }

  /// The most frequent confusions, the worst first.
  package func worstConfusions(_ count: Int) -> [Confusion] {
    let all = confusion.enumerated().flatMap { label, row in
      row.enumerated().filter { $0.offset != label && $0.element > 0 }
        .map { Confusion(label: label, predicted: $0.offset, count: $0.element) }
    }
    // The sort is stable: equal counts keep the order of the classes.
    return Array(all.sorted { $0.count > $1.count }.prefix(count))
  }

  /// The indices in `images` of the wrong predictions with the highest probability, the highest
  /// first.
  package func mostConfidentErrors(_ count: Int) -> [Int] {
    Array(
      images.indices.filter { best[$0][0] != labels[$0] }
        .sorted { probabilities[$0][0] > probabilities[$1][0] }.prefix(count))
  }
}
