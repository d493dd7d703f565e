import Glibc
import Supervision
import TestSupport
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
    // The token is looked at first: it stays, and everything behind it is random.
    var random = SmallRandom(7)
    let whole = beat.bytes(token: 0)
    var parsed = 0
    for _ in 0..<10_000 {
      var bytes = whole
      for place in 8..<Heartbeat.length { bytes[place] = UInt8(truncatingIfNeeded: random.next()) }
      // A number of eight random bytes is refused nearly always: some are small.
      for number in 1..<4 where random.next() % 2 == 0 {
        for place in 8 * number + 1..<8 * number + 8 { bytes[place] = 0 }
        bytes[8 * number] %= 8
      }
      let length = random.next() % 4 == 0 ? random.integer(in: 0...80) : Heartbeat.length
      bytes = Array(bytes.prefix(length)) + [UInt8](repeating: 0, count: max(0, length - 64))
      guard let found = Heartbeat(bytes, token: 0, ranks: 4) else { continue }
      parsed += 1
      #expect(length == Heartbeat.length && (0..<4).contains(found.rank))
      #expect(found.step.map { (0..<1 << 60).contains($0) } ?? true)
      #expect((0..<0x1p60).contains(found.idleSeconds))
      #expect(found.phase.unicodeScalars.allSatisfy { (" "..."~").contains($0) })
      #expect(found.phase.utf8.count <= 31)
    }
    #expect(parsed > 100, "the numbers behind the token are hardly ever looked at")
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
