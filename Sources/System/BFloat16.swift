/// bfloat16, the upper half of a float: its range with 8 bits of precision.
package enum BFloat16 {
  /// The bits of a number, rounded to the nearest, ties to even; what is not a number stays none.
  ///
  /// Without a branch, and a part of its caller, so that the compiler makes vectors of a loop.
  @inlinable @inline(__always)
  package static func bits(of number: Float) -> UInt16 {
    let bits = number.bitPattern
    let rounded = (bits &+ 0x7FFF &+ (bits >> 16 & 1)) >> 16
    let isNaN = bits & 0x7FFF_FFFF > 0x7F80_0000
    return UInt16(truncatingIfNeeded: isNaN ? bits >> 16 | 0x40 : rounded)
  }

  /// The number of these bits, exactly.
  @inlinable @inline(__always)
  package static func number(of bits: UInt16) -> Float { Float(bitPattern: UInt32(bits) << 16) }
}
