import Checkpoints
import Testing

@Suite struct CheckpointDigestsTests {
  /// Four minutes where each looks at all.
  @Test(.timeLimit(.minutes(1))) func findingATensorsPartsDoesNotSearchAllTensors() {
    let tensors = 120_000
    let parts = (0..<tensors).flatMap { number in
      [6..<9, 0..<6].map { CheckpointDigests.Part(tensor: "t\(number)", rows: $0) }
    }
    var digests = CheckpointDigests(of: parts)
    digests.note("digest", of: parts[0])
    for number in 0..<tensors {
      guard digests.parts(of: "t\(number)") == [0..<6, 6..<9] else {
        Issue.record("t\(number) has other parts.")
        return
      }
    }
    #expect(digests.digests[parts[0]] == "digest" && digests.parts(of: "another").isEmpty)
  }
}
