/// What a network makes of one picture.
public struct Prediction: Sendable, Equatable {
  /// The probability of each class; where there were several crops, the mean of theirs.
  public let probabilities: [Double]

  /// Makes a prediction.
  public init(probabilities: [Double]) { self.probabilities = probabilities }

  /// The most probable classes, the first one first; of equally probable ones the one with the smaller number.
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

  /// How many classes are ahead of one: those with a larger probability, and those with an equal one and a
  /// smaller number.
  ///
  /// 0 means that it is right at the first guess, 4 and less that it is among the first five.
  public func classesAhead(of label: Int) -> Int {
    let own = probabilities[label]
    return probabilities.indices.count {
      !(probabilities[$0] <= own) || (probabilities[$0] == own && $0 < label)
    }
  }
}
