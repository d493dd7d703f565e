/// A network's prediction for one picture.
public struct Prediction: Sendable, Equatable {
  /// The probability of each class; with several crops, their mean.
  public let probabilities: [Double]

  /// Makes a prediction.
  public init(probabilities: [Double]) { self.probabilities = probabilities }

  /// The most probable classes in descending order; of equally probable ones, the one with the
  /// smaller number first.
  public func best(_ count: Int = 5) -> [Int] {
    var best: [Int] = []
    for label in probabilities.indices {
      let place =
        best.firstIndex { !(probabilities[$0] >= probabilities[label]) } ?? best.count
      if place < count {
        best.insert(label, at: place)
        if best.count > count { best.removeLast() }
      }
    }
    return best
  }

  /// How many classes rank ahead of one: those with a larger probability, and those with an equal
  /// one and a smaller number.
  ///
  /// 0 means that the class is the most probable one; 4 or less that it is among the first five.
  public func classesAhead(of label: Int) -> Int {
    let own = probabilities[label]
    return probabilities.indices.count {
      !(probabilities[$0] <= own) || (probabilities[$0] == own && $0 < label)
    }
  }
}
