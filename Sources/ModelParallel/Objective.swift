/// What training makes small: the cross-entropy with targets that may be smoothed, of classes that
/// may weigh differently.
package struct Objective: Sendable, Equatable {
  /// The share of a target that is spread over all classes; 0 for none.
  package var smoothing: Double
  /// By what the loss of an image is multiplied, by its class; nil for 1.
  package var classWeights: [Double]?

  /// Makes an objective; the mean loss of the paper where nothing is given.
  package init(smoothing: Double = 0, classWeights: [Double]? = nil) {
    (self.smoothing, self.classWeights) = (smoothing, classWeights)
  }

  func weight(of label: Int32) -> Double { classWeights?[Int(label)] ?? 1 }
}
