/// What is known about another rank.
package struct Peer {
  let rank: Int
  let host: String
  /// The destinations of its heartbeats: its host's addresses, or the loopback if it is on this
  /// host.
  package let addresses: [UInt32]
  let port: UInt16
  let isOnThisHost: Bool
  /// Seconds since its last heartbeat, or since watching began.
  var silence = 0.0
  /// The last heartbeat.
  var last: Heartbeat?

  /// `rank 1 (node7)`.
  package var name: String { "rank \(rank) (\(host))" }

  /// The line with which a rank introduces itself at the start.
  package static func card(host: String, hostNumber: Int, port: UInt16, addresses: [UInt32])
    -> String
  {
    "\(hostNumber) \(port) \(addresses.map(String.init).joined(separator: ",")) \(host)"
  }

  /// Parses another rank's line; nil if it is invalid.
  package init?(_ card: String, rank: Int, ownHostNumber: Int) {
    let parts = card.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false)
    guard parts.count == 4, let number = Int(parts[0]), let port = UInt16(parts[1]) else {
      return nil
    }
    self.rank = rank
    self.port = port
    host = String(parts[3])
    isOnThisHost = number == ownHostNumber
    addresses =
      isOnThisHost ? [0x7F00_0001] : parts[2].split(separator: ",").compactMap { UInt32($0) }
  }
}
