import Tensors
import Testing

@Suite struct PhiloxTests {
  /// An answer of Random123's philox4x32-10, as published in its kat_vectors.
  struct KnownAnswer {
    var counter: SIMD4<UInt32>
    var key: SIMD2<UInt32>
    var answer: SIMD4<UInt32>
  }

  @Test(arguments: [
    KnownAnswer(
      counter: SIMD4(0, 0, 0, 0), key: SIMD2(0, 0),
      answer: SIMD4(0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8)),
    KnownAnswer(
      counter: SIMD4(repeating: 0xFFFF_FFFF), key: SIMD2(repeating: 0xFFFF_FFFF),
      answer: SIMD4(0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD)),
    KnownAnswer(
      counter: SIMD4(0x243F_6A88, 0x85A3_08D3, 0x1319_8A2E, 0x0370_7344),
      key: SIMD2(0xA409_3822, 0x299F_31D0),
      answer: SIMD4(0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1)),
  ])
  func givesThePublishedResults(_ known: KnownAnswer) {
    #expect(Philox(key: known.key).block(known.counter) == known.answer)
  }

  @Test func thePositionIsTheCounterWithTheMinorNumberFirst() {
    let random = Philox(key: SIMD2(1, 2))
    #expect(
      random.block(0x4444_4444_3333_3333, 0x2222_2222_1111_1111)
        == random.block(SIMD4(0x1111_1111, 0x2222_2222, 0x3333_3333, 0x4444_4444)))
  }

  @Test(arguments: [0, 1, 7, 8, 9, 31])
  func wordsSideBySideAreThoseOfOneBlockAfterTheOther(blocks: Int) {
    let random = Philox(seed: 5, purpose: 6)
    let (major, minor): (UInt64, UInt64) = (0x0123_4567_89AB_CDEF, 0xFEDC_BA98_0000_0003)
    var words = [UInt32](repeating: 7, count: 4 * blocks + 1)
    random.words(major, from: minor, blocks: blocks, into: &words)
    let expected = (0..<blocks).flatMap { block in
      let words = random.block(major, minor + UInt64(block))
      return words.indices.map { words[$0] }
    }
    #expect(words == expected + [7])
  }

  @Test func seedsAndPurposesGiveDifferentStreams() {
    var blocks: Set<Philox.Block> = []
    for seed in 0..<50 as Range<UInt64> {
      for purpose in 0..<50 as Range<UInt64> {
        blocks.insert(Philox(seed: seed, purpose: purpose).block(0, 0))
      }
    }
    #expect(blocks.count == 2500)
    #expect(Philox(seed: 3, purpose: 4).block(5, 6) == Philox(seed: 3, purpose: 4).block(5, 6))
    // The upper halves count too.
    #expect(
      Philox(seed: 1 << 32, purpose: 0).block(0, 0) != Philox(seed: 0, purpose: 0).block(0, 0))
    #expect(
      Philox(seed: 0, purpose: 1 << 32).block(0, 0) != Philox(seed: 0, purpose: 0).block(0, 0))
  }

  @Test func everyBitIsEquallyOftenOneAndZero() {
    let random = Philox(seed: 1, purpose: 2)
    var ones = [Int](repeating: 0, count: 32)
    for i in 0..<4096 as Range<UInt64> {
      let block = random.block(0, i)
      for lane in 0..<4 { for bit in 0..<32 { ones[bit] += Int(block[lane] >> UInt32(bit) & 1) } }
    }
    // 16,384 words: 8192 ones a bit, with a deviation of 64.
    #expect(ones.allSatisfy { abs($0 - 8192) < 5 * 64 })
  }

  @Test func unitFloatsAreInTheirInterval() {
    #expect(UInt32.min.unitFloat == 0)
    #expect(UInt32.max.unitFloat == 1 - 0x1p-24)
    #expect(UInt32(0x8000_0000).unitFloat == 0.5)
  }

  @Test func boundedNumbersAreBelowTheBound() {
    #expect(UInt32.min.below(7) == 0 && UInt32.max.below(7) == 6)
    #expect(UInt32.max.below(1) == 0)
    #expect(UInt32(0x8000_0000).below(10) == 5)
  }
}
