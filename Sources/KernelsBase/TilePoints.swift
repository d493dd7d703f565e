// The transforms of Winograd's algorithm along one axis, on vectors of sixteen maps. The
// coefficients are in the order of `TileCoefficients` (Layers/Winograd): for the even and the odd
// powers apart, since the points come in pairs +-a, whose rows differ in the sign of half their
// terms.

extension TileSize {
  /// v = B^T x: from the pixels of a tile to its points.
  @inline(__always)
  static func toPoints(
    _ c: UnsafePointer<Float>, _ x: (Int) -> Vector, _ v: (Int, Vector) -> Void
  ) {
    let terms = pairs + 1
    if hasZero {
      var sum = c[0] * x(0)
      for k in 1..<terms { sum = multiplyAdd(sum, c[k], x(2 * k)) }
      v(0, sum)
    }
    for pair in 0..<pairs {
      let row = c + terms + pair * 2 * pairs
      // With zero: even powers from x^2, odd from x^1. Without: odd from x^1, even from x^0.
      let (same, turned) = hasZero ? (2, 1) : (1, 0)
      var kept = row[0] * x(same)
      var flipped = row[pairs] * x(turned)
      for k in 1..<pairs {
        kept = multiplyAdd(kept, row[k], x(2 * k + same))
        flipped = multiplyAdd(flipped, row[pairs + k], x(2 * k + turned))
      }
      v(plus(pair), kept + flipped)
      v(plus(pair) + 1, kept - flipped)
    }
    let row = c + terms + 2 * pairs * pairs
    let first = hasZero ? 1 : 0
    var sum = row[0] * x(first)
    for k in 1..<terms { sum = multiplyAdd(sum, row[k], x(2 * k + first)) }
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
    for k in 0..<terms {
      // The pixel of an even power (with zero), or of the power that infinity has (without).
      if hasZero {
        var even = c[k] * v(0)
        if k > 0 {
          for pair in 0..<pairs {
            even = multiplyAdd(
              even, rows[pair * 2 * pairs + k - 1], v(plus(pair)) + v(plus(pair) + 1))
          }
        }
        x(2 * k, even)
        var odd = last[k] * v(infinity)
        if k < pairs {
          for pair in 0..<pairs {
            odd = multiplyAdd(
              odd, rows[pair * 2 * pairs + pairs + k], v(plus(pair)) - v(plus(pair) + 1))
          }
        }
        x(2 * k + 1, odd)
      } else {
        var even = last[k] * v(infinity)
        if k < pairs {
          for pair in 0..<pairs {
            even = multiplyAdd(
              even, rows[pair * 2 * pairs + pairs + k], v(plus(pair)) - v(plus(pair) + 1))
          }
        }
        x(2 * k, even)
        if k < pairs {
          var odd = rows[k] * (v(plus(0)) + v(plus(0) + 1))
          for pair in 1..<pairs {
            odd = multiplyAdd(odd, rows[pair * 2 * pairs + k], v(plus(pair)) + v(plus(pair) + 1))
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
    for i in 0..<outputs {
      var sum = Vector()
      for pair in 0..<pairs {
        let (p, m) = (v(plus(pair)), v(plus(pair) + 1))
        sum = multiplyAdd(sum, c[i * pairs + pair], i & 1 == 0 ? p + m : p - m)
      }
      if hasZero && i == 0 { sum += v(0) }
      if i == outputs - 1 { sum += v(infinity) }
      y(i, sum)
    }
  }

  /// v = A y: the transpose of `toOutputs`.
  @inline(__always)
  static func fromOutputsToPoints(
    _ outputs: Int, _ c: UnsafePointer<Float>, _ y: (Int) -> Vector, _ v: (Int, Vector) -> Void
  ) {
    if hasZero { v(0, y(0)) }
    for pair in 0..<pairs {
      var (even, odd) = (Vector(), Vector())
      for i in 0..<outputs {
        if i & 1 == 0 {
          even = multiplyAdd(even, c[i * pairs + pair], y(i))
        } else {
          odd = multiplyAdd(odd, c[i * pairs + pair], y(i))
        }
      }
      v(plus(pair), even + odd)
      v(plus(pair) + 1, even - odd)
    }
    v(infinity, y(outputs - 1))
  }
}
