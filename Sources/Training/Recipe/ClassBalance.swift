/// What is done where classes have different numbers of images.
package enum ClassBalance: String, Codable, Sendable, CaseIterable {
  /// An image's loss is multiplied by the inverse of its class's share.
  case weights
  /// Images are drawn so that each class comes as often as any other.
  case sampling
  /// Nothing, for a run that does not do as its record does; never recorded.
  case off = "none"

  /// The weights of classes with so many images: N / (K n), with K the classes that have any; an
  /// image's weight is 1 in the mean.
  package static func weights(_ counts: [Int]) -> [Double] {
    let share = Double(counts.reduce(0, +)) / Double(counts.count { $0 > 0 })
    return counts.map { $0 > 0 ? share / Double($0) : 0 }
  }
}
