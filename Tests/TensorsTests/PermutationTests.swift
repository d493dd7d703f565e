import Tensors
import Testing

@Suite struct PermutationTests {
  @Test(arguments: [0, 1, 2, 3, 4, 5, 100, 4097]) func everyNumberOccursOnce(_ count: Int) {
    let order = Philox(seed: 1, purpose: 2).permutation(of: count, epoch: 3)
    #expect(order.sorted() == (0..<UInt32(count)).map { $0 })
  }

  @Test func theOrderDependsOnKeyAndEpochAlone() {
    let random = Philox(seed: 1, purpose: 2)
    let order = random.permutation(of: 100, epoch: 0)
    #expect(random.permutation(of: 100, epoch: 0) == order)
    #expect(random.permutation(of: 100, epoch: 1) != order)
    #expect(Philox(seed: 2, purpose: 2).permutation(of: 100, epoch: 0) != order)
  }

  @Test func everyOrderOfFourIsAsLikelyAsAnyOther() {
    let random = Philox(seed: 5, purpose: 6)
    var counts: [[UInt32]: Int] = [:]
    for epoch in 0..<24_000 { counts[random.permutation(of: 4, epoch: epoch), default: 0] += 1 }
    #expect(counts.count == 24)
    // 1000 of each, with a deviation of 31.
    #expect(counts.values.allSatisfy { abs($0 - 1000) < 5 * 31 })
  }

  @Test func everyNumberIsAsLikelyAtEveryPlace() {
    let random = Philox(seed: 7, purpose: 8)
    var counts = [[Int]](repeating: [Int](repeating: 0, count: 10), count: 10)
    for epoch in 0..<10_000 {
      for (place, number) in random.permutation(of: 10, epoch: epoch).enumerated() {
        counts[place][Int(number)] += 1
      }
    }
    #expect(counts.allSatisfy { $0.allSatisfy { abs($0 - 1000) < 5 * 30 } })
  }
}
