import Glibc
import Supervision
import Testing

@Suite struct HeartbeatTests {
  private let beat = Heartbeat(
    rank: 3, step: 123_456, idleSeconds: 1.5, waitsForRanks: true, phase: "exchange before conv3")

  @Test func aHeartbeatSurvivesARoundTrip() {
    let bytes = beat.bytes(token: 77)
    #expect(bytes.count == Heartbeat.length)
    #expect(Heartbeat(bytes, token: 77, ranks: 4) == beat)
    let early = Heartbeat(
      rank: 0, step: nil, idleSeconds: 0, waitsForRanks: false, phase: "options")
    #expect(Heartbeat(early.bytes(token: 77), token: 77, ranks: 4) == early)
    for (waits, leaves) in [(false, true), (true, true)] {
      let last = Heartbeat(
        rank: 2, step: 9, idleSeconds: 0, waitsForRanks: waits, isLeaving: leaves, phase: "update")
      #expect(Heartbeat(last.bytes(token: 77), token: 77, ranks: 4) == last)
    }
  }

  @Test func datagramsOfOtherRunsAndBrokenOnesAreIgnored() {
    var bytes = beat.bytes(token: 77)
    #expect(Heartbeat(bytes, token: 78, ranks: 4) == nil)
    #expect(Heartbeat(bytes, token: 77, ranks: 3) == nil, "there is no such rank")
    #expect(Heartbeat(bytes.dropLast(), token: 77, ranks: 4) == nil)
    #expect(Heartbeat(bytes + [0], token: 77, ranks: 4) == nil)
    for i in 8..<16 { bytes[i] = 255 }
    #expect(Heartbeat(bytes, token: 77, ranks: 4) == nil)
  }

  @Test func controlCharactersDoNotReachTheTerminal() {
    var bytes = beat.bytes(token: 1)
    bytes[33] = 0x1B
    #expect(Heartbeat(bytes, token: 1, ranks: 4)?.phase == "")
  }

  @Test func aLongPhaseIsTruncatedAndRandomBytesAreHarmless() {
    let long = Heartbeat(
      rank: 0, step: 0, idleSeconds: 0, waitsForRanks: false,
      phase: String(repeating: "x", count: 99))
    #expect(Heartbeat(long.bytes(token: 1), token: 1, ranks: 1)?.phase.count == 31)
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<10_000 {
      let bytes = (0..<Int.random(in: 0...80)).map { _ in
        UInt8.random(in: 0...255, using: &generator)
      }
      #expect(Heartbeat(bytes, token: 0, ranks: 4) == nil || bytes.prefix(8).allSatisfy { $0 == 0 })
    }
  }

  @Test func datagramsArriveAndAnEmptySocketDoesNotBlock() throws {
    let one = try #require(HeartbeatSocket(isLocal: true))
    let two = try #require(HeartbeatSocket(isLocal: true))
    #expect(two.receive() == nil)
    one.send(beat.bytes(token: 5), to: 0x7F00_0001, port: two.port)
    // What has arrived ends the wait.
    let start = ContinuousClock.now
    two.wait(seconds: 60)
    #expect(ContinuousClock.now - start < .seconds(30))
    #expect(two.receive().flatMap { Heartbeat($0, token: 5, ranks: 4) } == beat)
    #expect(HeartbeatSocket.answers(0x7F00_0001, port: one.port), "refused is an answer")
  }

  @Test func aPeersCardNamesItsHost() throws {
    let card = Peer.card(host: "node 7", hostNumber: 2, port: 9, addresses: [0x0A00_0001])
    let far = try #require(Peer(card, rank: 2, ownHostNumber: 0))
    #expect(far.name == "rank 2 (node 7)")
    #expect(far.addresses == [0x0A00_0001])
    #expect(Peer(card, rank: 3, ownHostNumber: 2)?.addresses == [0x7F00_0001])
    #expect(Peer("nonsense", rank: 1, ownHostNumber: 0) == nil)
  }
}
