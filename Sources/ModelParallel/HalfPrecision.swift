import System

/// Numbers of 16 bits, converted without branches so that the compiler makes vectors of the loops.
enum HalfPrecision {
  /// bfloat16, rounded to nearest, ties to even.
  static func encodeBrain(
    _ numbers: UnsafeBufferPointer<Float>, into message: UnsafeMutablePointer<UInt16>
  ) {
    for i in 0..<numbers.count { message[i] = BFloat16.bits(of: numbers[i]) }
  }

  /// The reverse, exactly.
  static func decodeBrain(
    _ message: UnsafePointer<UInt16>, into numbers: UnsafeMutableBufferPointer<Float>
  ) {
    for i in 0..<numbers.count { numbers[i] = BFloat16.number(of: message[i]) }
  }

  /// The power of two that brings the largest number to at least 2^14 and below 2^15; 1 where there
  /// is none.
  static func scale(of numbers: UnsafeBufferPointer<Float>) -> Float {
    var largest: UInt32 = 0
    for i in 0..<numbers.count { largest = max(largest, numbers[i].bitPattern & 0x7FFF_FFFF) }
    let exponent = Int(largest >> 23)
    // Neither zeros, nor infinities, nor numbers whose scale would leave the range of floats.
    guard exponent > 20, exponent < 255 else { return 1 }
    return Float(bitPattern: UInt32(127 + 14 + 127 - exponent) << 23)
  }

  /// binary16 of number x scale, rounded to nearest, ties to even.
  static func encode(
    _ numbers: UnsafeBufferPointer<Float>, scale: Float, into message: UnsafeMutablePointer<UInt16>
  ) {
    // 0.5: adding it to a number below 2^-14 leaves the bits of the subnormal half in the fraction.
    let subnormal: UInt32 = 126 << 23
    for i in 0..<numbers.count {
      let bits = (numbers[i] * scale).bitPattern
      let size = bits & 0x7FFF_FFFF
      let normal = (size &+ (size >> 13 & 1) &+ 0xFFF &- (112 << 23)) >> 13
      let small =
        (Float(bitPattern: size) + Float(bitPattern: subnormal)).bitPattern &- subnormal
      let large: UInt32 = size > 0x7F80_0000 ? 0x7E00 : 0x7C00
      let half = size >= 143 << 23 ? large : size < 113 << 23 ? small : normal
      message[i] = UInt16(truncatingIfNeeded: half | bits >> 16 & 0x8000)
    }
  }

  /// The reverse, exactly but for the limits of the scale.
  static func decode(
    _ message: UnsafePointer<UInt16>, scale: Float, into numbers: UnsafeMutableBufferPointer<Float>
  ) {
    let least = Float(bitPattern: 113 << 23)
    for i in 0..<numbers.count {
      let half = UInt32(message[i])
      let shifted = (half & 0x7FFF) << 13
      let exponent = shifted & 0x0F80_0000
      let normal = shifted &+ 112 << 23
      let small = (Float(bitPattern: shifted &+ 113 << 23) - least).bitPattern
      let size =
        exponent == 0x0F80_0000 ? normal &+ 112 << 23 : exponent == 0 ? small : normal
      numbers[i] = Float(bitPattern: size | (half & 0x8000) << 16) * scale
    }
  }
}
