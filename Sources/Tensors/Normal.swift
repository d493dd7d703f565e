import Glibc

extension Philox {
  /// Four independent numbers from N(0, 1), by the Box-Muller transform of one block, in Double.
  package func normals(_ major: UInt64, _ minor: UInt64) -> SIMD4<Double> {
    let words = block(major, minor)
    var result = SIMD4<Double>()
    for pair in 0..<2 {
      // (0, 1]: the logarithm must not see a zero.
      let u = (Double(words[2 * pair]) + 1) * 0x1p-32
      let v = Double(words[2 * pair + 1]) * 0x1p-32
      let radius = (-2 * log(u)).squareRoot()
      result[2 * pair] = radius * cos(2 * .pi * v)
      result[2 * pair + 1] = radius * sin(2 * .pi * v)
    }
    return result
  }
}
