/// What a rank sends to the others once a second: 64 bytes, little-endian.
package struct Heartbeat: Equatable {
  /// The rank that sends it.
  package var rank: Int
  /// The number of steps done; nil before the first step.
  package var step: Int?
  /// Seconds since its main thread started its current phase.
  package var idleSeconds: Double
  /// Whether it waits for other ranks.
  package var waitsForRanks: Bool
  /// Whether it is about to end the job.
  package var isLeaving: Bool
  /// The name of its current phase.
  package var phase: String

  /// The length of a datagram in bytes.
  package static let length = 64
  private static let phaseStart = 33

  /// The bytes of a datagram; `token` is the run's random number, so that datagrams of other
  /// programs are ignored.
  package func bytes(token: UInt64) -> [UInt8] {
    var bytes: [UInt8] = []
    for number in [
      token, UInt64(rank), step.map { UInt64($0) + 1 } ?? 0, UInt64(max(0, idleSeconds) * 1000),
    ] {
      bytes += (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }
    bytes.append((waitsForRanks ? 1 : 0) | (isLeaving ? 2 : 0))
    bytes += Array(phase.utf8.prefix(Self.length - Self.phaseStart))
    return bytes + [UInt8](repeating: 0, count: Self.length - bytes.count)
  }

  package init(
    rank: Int, step: Int?, idleSeconds: Double, waitsForRanks: Bool, isLeaving: Bool = false,
    phase: String
  ) {
    self.rank = rank
    self.step = step
    self.idleSeconds = idleSeconds
    self.waitsForRanks = waitsForRanks
    self.isLeaving = isLeaving
    self.phase = phase
  }

  /// Parses a datagram; nil if it is not of this run or not from one of `ranks` ranks.
  package init?(_ bytes: some Collection<UInt8>, token: UInt64, ranks: Int) {
    let bytes = Array(bytes)
    guard bytes.count == Self.length else { return nil }
    var numbers = [UInt64](repeating: 0, count: 4)
    for i in 0..<32 { numbers[i / 8] |= UInt64(bytes[i]) << UInt64(8 * (i % 8)) }
    guard numbers[0] == token, numbers[1] < UInt64(ranks), numbers[2] < 1 << 60,
      numbers[3] < 1 << 60
    else { return nil }
    let text = bytes[Self.phaseStart...].prefix { $0 >= 0x20 && $0 < 0x7F }
    self.init(
      rank: Int(numbers[1]), step: numbers[2] == 0 ? nil : Int(numbers[2]) - 1,
      idleSeconds: Double(numbers[3]) / 1000,
      waitsForRanks: bytes[32] & 1 != 0, isLeaving: bytes[32] & 2 != 0,
      phase: String(decoding: text, as: UTF8.self))
  }
}
