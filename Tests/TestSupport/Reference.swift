import Glibc

/// Every layer once more: naive, in Double, from the formulas and not from the code under test.
package enum Reference {
  /// The places of a window along an axis, counted one by one.
  ///
  /// Rounded up, windows go on until one reaches the (padded) end; rounded down, as long as they
  /// fit.
  package static func places(
    length: Int, size: Int, stride: Int, padding: Int, roundsUp: Bool
  ) -> Int {
    var (count, start) = (0, -padding)
    guard start + size <= length + padding else { return 0 }
    while start + size <= length + padding {
      count += 1
      start += stride
    }
    let isReached = start - stride + size == length + padding
    return roundsUp && !isReached && start < length ? count + 1 : count
  }

  /// max(0, x).
  package static func relu(_ x: FeatureMaps) -> FeatureMaps { x.mapped { max(0, $0) } }

  /// dy where y > 0.
  package static func reluGradient(_ dy: FeatureMaps, y: FeatureMaps) -> FeatureMaps {
    dy.combined(y) { $1 > 0 ? $0 : 0 }
  }

  /// tanh x.
  package static func tanh(_ x: FeatureMaps) -> FeatureMaps { x.mapped { Glibc.tanh($0) } }

  /// dy / cosh^2 x.
  package static func tanhGradient(_ dy: FeatureMaps, x: FeatureMaps) -> FeatureMaps {
    dy.combined(x) { $0 / (cosh($1) * cosh($1)) }
  }

  /// x or dy where the mask is 1.
  package static func masked(_ x: FeatureMaps, _ mask: FeatureMaps) -> FeatureMaps {
    x.combined(mask) { $0 * $1 }
  }

  /// The mean cross-entropy of softmax over the maps of vectors, and its gradient.
  package static func crossEntropy(
    _ logits: FeatureMaps, labels: [Int]
  ) -> (loss: Double, gradient: FeatureMaps) {
    var (loss, gradient) = (0.0, FeatureMaps(like: logits))
    for image in 0..<logits.images {
      let z = (0..<logits.maps).map { logits[image, $0, 0, 0] }
      let shift = z.max() ?? 0
      let sum = z.reduce(0) { $0 + exp($1 - shift) }
      loss -= log(exp(z[labels[image]] - shift) / sum) / Double(logits.images)
      for c in 0..<logits.maps {
        let probability = exp(z[c] - shift) / sum
        gradient[image, c, 0, 0] =
          (probability - (c == labels[image] ? 1 : 0)) / Double(logits.images)
      }
    }
    return (loss, gradient)
  }
}
