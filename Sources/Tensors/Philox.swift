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

  @inline(__always)
  private static func rounds(_ counter: SIMD4<UInt32>, key: SIMD2<UInt32>) -> Block {
    var (x0, x1, x2, x3) = (counter.x, counter.y, counter.z, counter.w)
    var (k0, k1) = (key.x, key.y)
    for _ in 0..<10 {
      let p0 = UInt64(x0) &* 0xD251_1F53
      let p1 = UInt64(x2) &* 0xCD9E_8D57
      (x0, x1, x2, x3) = (
        UInt32(truncatingIfNeeded: p1 >> 32) ^ x1 ^ k0, UInt32(truncatingIfNeeded: p1),
        UInt32(truncatingIfNeeded: p0 >> 32) ^ x3 ^ k1, UInt32(truncatingIfNeeded: p0)
      )
      k0 = k0 &+ 0x9E37_79B9
      k1 = k1 &+ 0xBB67_AE85
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
