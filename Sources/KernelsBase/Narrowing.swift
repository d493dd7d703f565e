// Plain loops: the compiler makes vectors of them, and compares lane by lane where they are written
// with vectors.

/// The bits of a number rounded to bfloat16: to the nearest, ties to even; what is not a number stays
/// none.
@inline(__always)
private func rounded(_ x: Float) -> UInt32 {
  let bits = x.bitPattern
  let nearest = (bits &+ 0x7FFF &+ (bits >> 16 & 1)) >> 16
  return bits & 0x7FFF_FFFF > 0x7F80_0000 ? bits >> 16 | 0x40 : nearest
}

/// Rounds numbers to bfloat16.
func narrow(_ x: UnsafePointer<Float>, count: Int, into y: UnsafeMutablePointer<UInt16>) {
  for i in 0..<count { y[i] = UInt16(truncatingIfNeeded: rounded(x[i])) }
}

/// Rounds two rows to bfloat16 and puts them into one row of words, the first into the lower halves;
/// zeros where there is no second.
func narrowPairs(
  _ low: UnsafePointer<Float>, _ high: UnsafePointer<Float>?, count: Int,
  into y: UnsafeMutablePointer<UInt32>
) {
  if let high {
    for i in 0..<count { y[i] = rounded(low[i]) | rounded(high[i]) << 16 }
  } else {
    for i in 0..<count { y[i] = rounded(low[i]) }
  }
}
