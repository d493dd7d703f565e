import Testing
import Training

@Suite struct WaitSharesTests {
  @Test func ranksThatShareTheWorkAreListed() {
    #expect(
      WaitShares.sentence([(share: 12.4, host: "a"), (share: 9.6, host: "b")])
        == "Share of each rank's time spent communicating or waiting: rank 0 (a) 12 %, rank 1 (b) 10 %."
    )
    #expect(WaitShares.sentence([(share: 0, host: "a")]) == nil)
  }

  @Test func theSlowestOfManyIsNamed() throws {
    var ranks = (0..<16).map { (share: 60.0 + Double($0), host: "h\($0 / 2)") }
    ranks[11].share = 3
    let sentence = try #require(WaitShares.sentence(ranks))
    #expect(sentence.contains("rank 11 (h5) 3 %, rank 15 (h7) 75 %."))
    #expect(sentence.hasSuffix("The others wait for rank 11 (h5), which is the slowest."))
  }
}
