// For code that becomes a part of other modules.
public import Glibc

/// x^-exponent for positive x, in a vector of any length.
///
/// The paper's exponent 0.75 needs two square roots and a division, which are vector instructions;
/// any other costs a call of `powf` a number. It becomes a part of its caller, and so code of the
/// caller's instruction set.
@inlinable @inline(__always)
package func inversePower<Vector: SIMD>(
  _ x: Vector, _ exponent: Float
) -> Vector where Vector.Scalar == Float {
  if exponent == 0.75 {
    let root = x.squareRoot()
    return 1 / (root * root.squareRoot())
  }
  var result = Vector()
  for lane in result.indices { result[lane] = powf(x[lane], -exponent) }
  return result
}
