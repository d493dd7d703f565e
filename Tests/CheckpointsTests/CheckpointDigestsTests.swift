import Checkpoints
import Testing

@Suite struct CheckpointDigestsTests {
  @Test func findingATensorsPartsDoesNotSearchAllTensors() {
    let parts = (0..<60_000).flatMap { number in
      [6..<9, 0..<6].map { CheckpointDigests.Part(tensor: "t\(number)", rows: $0) }
    }
    var digests = CheckpointDigests(of: parts)
    digests.note("digest", of: parts[0])
    let start = ContinuousClock.now
    for number in 0..<60_000 {
      guard digests.parts(of: "t\(number)") == [0..<6, 6..<9] else {
        Issue.record("t\(number) has other parts.")
        return
      }
    }
    // A minute where each looks at all.
    #expect(ContinuousClock.now - start < .seconds(2))
    #expect(digests.digests[parts[0]] == "digest" && digests.parts(of: "another").isEmpty)
  }
}
