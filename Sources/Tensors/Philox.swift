/// Random numbers that are counted, not drawn: Philox 4x32 with 10 rounds.
///
/// The same key and counter give the same four words, on any rank, in any thread and after a
/// resume; nothing has to be saved but the seed. Salmon, Moraes, Dror, Shaw: Parallel random
/// numbers: as easy as 1, 2, 3 (2011).
package struct Philox: Sendable {
  /// Four random words.
  package typealias Block = SIMD4<UInt32>

  private let key: SIMD2<UInt32>

  /// A stream for one purpose under one seed: streams with different keys have nothing in common.
  ///
  /// Seed and purpose are themselves mixed by Philox, so that neighbouring seeds are not
  /// neighbouring keys.
  package init(seed: UInt64, purpose: UInt64) {
    let mixed = Philox.rounds(
      SIMD4(
        UInt32(truncatingIfNeeded: purpose), UInt32(truncatingIfNeeded: purpose >> 32), 0x616C_6578,
        0x6E65_7431),
      key: SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32)))
    key = SIMD2(mixed.x, mixed.y)
  }

  /// The reference generator with its key as published, for comparison with published results.
  package init(key: SIMD2<UInt32>) { self.key = key }

  /// The four words at a counter.
  @inline(__always)
  package func block(_ counter: SIMD4<UInt32>) -> Block { Philox.rounds(counter, key: key) }

  /// The four words at a place, given as two 64-bit numbers (an epoch and an image, a step and a
  /// neuron).
  @inline(__always)
  package func block(_ major: UInt64, _ minor: UInt64) -> Block {
    block(
      SIMD4(
        UInt32(truncatingIfNeeded: minor), UInt32(truncatingIfNeeded: minor >> 32),
        UInt32(truncatingIfNeeded: major), UInt32(truncatingIfNeeded: major >> 32)))
  }

  /// The words of blocks at places that follow each other: four of each.
  /// - Parameters:
  ///   - major: The first number of all places.
  ///   - minor: The second number of the first place; the others' are one, two, ... more. The upper
  ///     half must be the same for all.
  ///   - blocks: How many there are.
  ///   - words: Room for four times as many words.
  package func words(
    _ major: UInt64, from minor: UInt64, blocks: Int, into words: UnsafeMutablePointer<UInt32>
  ) {
    let steps = SIMD8<UInt64>(0, 1, 2, 3, 4, 5, 6, 7)
    var first = 0
    while first + 8 <= blocks {
      // Eight blocks side by side, each word in 64 bits, where its product has room.
      let low = SIMD8(repeating: Self.mask)
      var x0 = (SIMD8(repeating: minor &+ UInt64(first)) &+ steps) & low
      var x1 = SIMD8(repeating: minor >> 32)
      var x2 = SIMD8(repeating: major & Self.mask)
      var x3 = SIMD8(repeating: major >> 32)
      var (k0, k1) = (key.x, key.y)
      for _ in 0..<10 {
        let p0 = x0 &* SIMD8(repeating: Self.multipliers.0)
        let p1 = x2 &* SIMD8(repeating: Self.multipliers.1)
        (x0, x1, x2, x3) = (
          (p1 &>> 32) ^ x1 ^ SIMD8(repeating: UInt64(k0)), p1 & low,
          (p0 &>> 32) ^ x3 ^ SIMD8(repeating: UInt64(k1)), p0 & low
        )
        k0 = k0 &+ Self.increments.0
        k1 = k1 &+ Self.increments.1
      }
      let pairs = UnsafeMutableRawPointer(words + 4 * first)
      let (upper, lower) = (x0 | x1 &<< 32, x2 | x3 &<< 32)
      for lane in 0..<8 {
        pairs.storeBytes(
          of: SIMD2(upper[lane], lower[lane]), toByteOffset: 16 * lane, as: SIMD2<UInt64>.self)
      }
      first += 8
    }
    for block in first..<blocks {
      let last = self.block(major, minor &+ UInt64(block))
      for word in 0..<4 { words[4 * block + word] = last[word] }
    }
  }

  private static let mask: UInt64 = 0xFFFF_FFFF
  private static let multipliers: (UInt64, UInt64) = (0xD251_1F53, 0xCD9E_8D57)
  private static let increments: (UInt32, UInt32) = (0x9E37_79B9, 0xBB67_AE85)

  @inline(__always)
  private static func rounds(_ counter: SIMD4<UInt32>, key: SIMD2<UInt32>) -> Block {
    var (x0, x1, x2, x3) = (counter.x, counter.y, counter.z, counter.w)
    var (k0, k1) = (key.x, key.y)
    for _ in 0..<10 {
      let p0 = UInt64(x0) &* multipliers.0
      let p1 = UInt64(x2) &* multipliers.1
      (x0, x1, x2, x3) = (
        UInt32(truncatingIfNeeded: p1 >> 32) ^ x1 ^ k0, UInt32(truncatingIfNeeded: p1),
        UInt32(truncatingIfNeeded: p0 >> 32) ^ x3 ^ k1, UInt32(truncatingIfNeeded: p0)
      )
      k0 = k0 &+ increments.0
      k1 = k1 &+ increments.1
    }
    return SIMD4(x0, x1, x2, x3)
  }
}

extension UInt32 {
  /// A number in [0, 1) from the word's upper 24 bits.
  package var unitFloat: Float { Float(self >> 8) * 0x1p-24 }

  /// A whole number in `0..<bound`, from the word's product with the bound (no division, and a bias
  /// of at most `bound / 2^32`).
  package func below(_ bound: Int) -> Int {
    Int((UInt64(self) &* UInt64(bound)) >> 32)
  }
}
