// The transforms of Winograd's algorithm along one axis, on vectors of sixteen maps. The
// coefficients are in the order of `TileCoefficients` (Layers/Winograd): for the even and the odd
// powers apart, since the points come in pairs +-a, whose rows differ in the sign of half their
// terms.
//
// What a transform reads is loaded before it stores anything: the compiler could not know that a
// number is still the same, and would load it again for every product.

extension TileSize {
  /// v = B^T x: from the pixels of a tile to its points.
  @inline(__always)
  static func toPoints(
    _ c: UnsafePointer<Float>, _ x: (Int) -> Vector, _ v: (Int, Vector) -> Void
  ) {
    let terms = pairs + 1
    let x = Held(size, x)
    if hasZero {
      var sum = c[0] * x[0]
      for k in 1..<terms { sum = multiplyAdd(sum, c[k], x[2 * k]) }
      v(0, sum)
    }
    unrolled(pairs) { pair in
      let row = c + terms + pair * 2 * pairs
      // With zero: even powers from x^2, odd from x^1. Without: odd from x^1, even from x^0.
      let (same, turned) = hasZero ? (2, 1) : (1, 0)
      var kept = row[0] * x[same]
      var flipped = row[pairs] * x[turned]
      for k in 1..<pairs {
        kept = multiplyAdd(kept, row[k], x[2 * k + same])
        flipped = multiplyAdd(flipped, row[pairs + k], x[2 * k + turned])
      }
      v(plus(pair), kept + flipped)
      v(plus(pair) + 1, kept - flipped)
    }
    let row = c + terms + 2 * pairs * pairs
    let first = hasZero ? 1 : 0
    var sum = row[0] * x[first]
    for k in 1..<terms { sum = multiplyAdd(sum, row[k], x[2 * k + first]) }
    v(infinity, sum)
  }

  /// x = B v: the transpose of `toPoints`.
  @inline(__always)
  static func fromPointsToPixels(
    _ c: UnsafePointer<Float>, _ v: (Int) -> Vector, _ x: (Int, Vector) -> Void
  ) {
    let terms = pairs + 1
    let rows = c + terms
    let last = rows + 2 * pairs * pairs
    let (zero, end) = (hasZero ? v(0) : Vector(), v(infinity))
    let (sums, differences) = sumsAndDifferences(v)
    unrolled(terms) { k in
      // The pixel of an even power (with zero), or of the power that infinity has (without).
      if hasZero {
        var even = c[k] * zero
        if k > 0 {
          for pair in 0..<pairs {
            even = multiplyAdd(even, rows[pair * 2 * pairs + k - 1], sums[pair])
          }
        }
        x(2 * k, even)
        var odd = last[k] * end
        if k < pairs {
          for pair in 0..<pairs {
            odd = multiplyAdd(odd, rows[pair * 2 * pairs + pairs + k], differences[pair])
          }
        }
        x(2 * k + 1, odd)
      } else {
        var even = last[k] * end
        if k < pairs {
          for pair in 0..<pairs {
            even = multiplyAdd(even, rows[pair * 2 * pairs + pairs + k], differences[pair])
          }
        }
        x(2 * k, even)
        if k < pairs {
          var odd = rows[k] * sums[0]
          for pair in 1..<pairs {
            odd = multiplyAdd(odd, rows[pair * 2 * pairs + k], sums[pair])
          }
          x(2 * k + 1, odd)
        }
      }
    }
  }

  /// y = A^T v: from a tile's points to its outputs; `c` holds the power i of each pair's point, by
  /// i.
  @inline(__always)
  static func toOutputs(
    _ outputs: Int, _ c: UnsafePointer<Float>, _ v: (Int) -> Vector, _ y: (Int, Vector) -> Void
  ) {
    let (zero, end) = (hasZero ? v(0) : Vector(), v(infinity))
    let (sums, differences) = sumsAndDifferences(v)
    unrolled(outputs) { i in
      // The power 0 of any point is 1.
      var sum = i == 0 ? sums[0] : c[i * pairs] * (i & 1 == 0 ? sums[0] : differences[0])
      for pair in 1..<pairs {
        if i == 0 {
          sum += sums[pair]
        } else {
          sum = multiplyAdd(sum, c[i * pairs + pair], i & 1 == 0 ? sums[pair] : differences[pair])
        }
      }
      if hasZero && i == 0 { sum += zero }
      if i == outputs - 1 { sum += end }
      y(i, sum)
    }
  }

  /// v = A y: the transpose of `toOutputs`.
  @inline(__always)
  static func fromOutputsToPoints(
    _ outputs: Int, _ c: UnsafePointer<Float>, _ y: (Int) -> Vector, _ v: (Int, Vector) -> Void
  ) {
    let y = Held(outputs, y)
    if hasZero { v(0, y[0]) }
    unrolled(pairs) { pair in
      var (even, odd) = (y[0], c[pairs + pair] * y[1])
      unrolled(outputs - 2) { number in
        let i = number + 2
        if i & 1 == 0 {
          even = multiplyAdd(even, c[i * pairs + pair], y[i])
        } else {
          odd = multiplyAdd(odd, c[i * pairs + pair], y[i])
        }
      }
      v(plus(pair), even + odd)
      v(plus(pair) + 1, even - odd)
    }
    v(infinity, y[outputs - 1])
  }

  /// v(+a) + v(-a) and v(+a) - v(-a) for each pair of points.
  @inline(__always)
  private static func sumsAndDifferences(_ v: (Int) -> Vector) -> (sums: Held, differences: Held) {
    let above = Held(pairs) { v(plus($0)) }
    let below = Held(pairs) { v(plus($0) + 1) }
    return (Held(pairs) { above[$0] + below[$0] }, Held(pairs) { above[$0] - below[$0] })
  }
}
