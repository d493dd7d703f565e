import Glibc

/// x^-exponent for positive x, eight at a time.
///
/// The paper's exponent 0.75 needs two square roots and a division, which are vector instructions; any other
/// costs a call of `powf` a number.
@inline(__always)
func inversePower(_ x: SIMD8<Float>, _ exponent: Float) -> SIMD8<Float> {
  if exponent == 0.75 {
    let root = x.squareRoot()
    return 1 / (root * root.squareRoot())
  }
  var result = SIMD8<Float>()
  for lane in 0..<8 { result[lane] = powf(x[lane], -exponent) }
  return result
}
