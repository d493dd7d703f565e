/// Random numbers for tests: the same from the same seed, and made otherwise than those under test.
///
/// SplitMix64 (Steele, Lea, Flood 2014).
package struct SmallRandom: RandomNumberGenerator {
  private var state: UInt64

  /// Starts a sequence.
  package init(_ seed: UInt64) { state = seed }

  /// 64 random bits.
  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// A number in [-1, 1).
  package mutating func uniform() -> Float { Float(next() >> 40) * 0x1p-23 - 1 }

  /// A whole number within bounds.
  package mutating func integer(in bounds: ClosedRange<Int>) -> Int {
    bounds.lowerBound + Int(next() % UInt64(bounds.count))
  }

  /// Numbers in [-scale, scale).
  package mutating func uniforms(_ count: Int, scale: Float = 1) -> [Float] {
    (0..<count).map { _ in uniform() * scale }
  }

  /// Whole numbers within bounds, as floats: their sums and products are exact.
  package mutating func integers(_ count: Int, in bounds: ClosedRange<Int> = -3...3) -> [Float] {
    (0..<count).map { _ in Float(integer(in: bounds)) }
  }
}
