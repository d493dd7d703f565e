import Report

/// Readings of a training's steps.
package enum TrainingCurve {
  /// The mean training error of each part of an epoch, in percent, at the part's mean epoch.
  static func errors(_ run: RunMetrics, partsOfAnEpoch parts: Double) -> [[Double]] {
    errors(run.steps.map { ($0.epoch, $0.error) }, partsOfAnEpoch: parts)
  }

  /// The same of steps, of each the epochs done after it and its training error.
  package static func errors(
    _ steps: [(epoch: Double, error: Double)], partsOfAnEpoch parts: Double
  ) -> [[Double]] {
    let groups = Dictionary(grouping: steps.filter { $0.error.isFinite }) {
      ($0.epoch * parts).rounded(.up)
    }
    var ordered = groups.keys.sorted().compactMap { groups[$0] }
    // Batches do not divide an epoch: its last step goes beyond it, and alone would be a part.
    if ordered.count > 1, let last = ordered.last, 2 * last.count < ordered[ordered.count - 2].count
    {
      ordered.removeLast()
      ordered[ordered.count - 1] += last
    }
    return ordered.map { steps in
      [\(epoch: Double, error: Double).epoch, \.error].map { path in
        steps.reduce(0) { $0 + $1[keyPath: path] } / Double(steps.count)
      }
    }
  }

  /// Whether a network learns at all: whether its error falls by a fifth.
  static func learns(_ curve: [[Double]]) -> Bool {
    let errors = curve.map { $0[1] }
    guard let least = errors.min(), let most = errors.max() else { return false }
    return least < 0.8 * most
  }

  /// Where a curve first comes down to a level, between the points beside it; nil if it does not.
  static func place(of level: Double, on curve: [[Double]]) -> Double? {
    guard let place = curve.firstIndex(where: { $0[1] <= level }) else { return nil }
    guard place > 0 else { return curve[0][0] }
    let (before, after) = (curve[place - 1], curve[place])
    return before[0] + (after[0] - before[0]) * (before[1] - level) / (before[1] - after[1])
  }

  /// The first step at which the mean loss of the last 20 steps is below nine tenths of a level;
  /// nil if there is none.
  static func departure(_ losses: [Double], from level: Double) -> Int? {
    guard losses.count >= 20 else { return nil }
    return (20...losses.count).first { end in
      losses[(end - 20)..<end].reduce(0, +) / 20 < 0.9 * level
    }
  }

  /// Several curves' mean, point by point, as far as all go.
  static func mean(_ curves: [[[Double]]]) -> Curve {
    let length = curves.map(\.count).min() ?? 0
    return Curve(
      (0..<length).map { place in
        Curve.Point(
          Sample(curves.map { $0[place][0] }).mean, Sample(curves.map { $0[place][1] }).mean)
      })
  }
}
