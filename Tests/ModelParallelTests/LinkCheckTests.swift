import MPI
import ModelParallel
import Testing
import TestSupport

@Suite struct LinkCheckTests {
  @Test func oneRankHasNoLinks() throws {
    let alone = TestWorld.shared.alone
    try LinkCheck.verify(alone)
    #expect(try LinkCheck.measure(alone).isEmpty)
    #expect(try LinkCheck.quick(Placement(towers: 2, over: alone)) == nil)
  }

  @Test func aLinkIsDescribedInWords() {
    let link = LinkCheck.Link(latency: 18.7e-6, bandwidth: 0.113e9)
    #expect("\(link)" == "0.11 GB/s each way, 18.7 us")
  }
}

@Suite(.serialized, .enabled(if: TestWorld.hasPairs, "run with mpirun -np 2 or 4"))
struct LinkCheckAcrossRanksTests {
  static let world = TestWorld.shared

  @Test(arguments: [1, 2]) func allRanksGetTheSameMeasurement(towersPerRank: Int) throws {
    let pair = Self.world.pair
    let placement = try Placement(towers: 2, over: pair, towersPerRank: towersPerRank)
    let link = try #require(try LinkCheck.quick(placement))
    #expect(link.latency > 0 && link.latency < 1)
    #expect(link.bandwidth > 1e6 && link.bandwidth < 1e12)
    for figure in [link.latency, link.bandwidth] {
      #expect(try pair.allReduce(figure, .min) == pair.allReduce(figure, .max))
    }
  }

  @Test func everyLinkOfAGroupIsMeasured() throws {
    let pair = Self.world.pair
    try LinkCheck.verify(pair)
    #expect(try LinkCheck.measure(pair, bytes: 1 << 16).count == pair.size - 1)
  }
}
