import MPI
import System

/// The fraction of each rank's time spent communicating or waiting.
///
/// The other ranks wait for the rank that waits least.
package struct WaitShares {
  private var start = MonotonicClock.seconds
  private var before = Activity.current.secondsForRanks

  /// The difference in percentage points from which the slowest rank is named.
  private static let difference = 25.0
  /// The largest number of ranks to list individually.
  private static let mostListed = 8

  /// Compares the ranks, and resets the measurement; all ranks call this together.
  /// - Returns: A sentence for the user; nil if there is nothing to compare.
  /// - Throws: `MPIError` if a message fails.
  mutating func compared(over world: Communicator) throws(MPIError) -> String? {
    guard world.size > 1 else { return nil }
    let waited = Activity.current.secondsForRanks - before
    let share = 100 * waited / max(MonotonicClock.seconds - start, 1e-9)
    self = WaitShares()
    let texts = try world.allGather("\(share) \(Machine.hostName)")
    return Self.sentence(
      texts.map { text in
        let words = text.split(separator: " ", maxSplits: 1)
        return (Double(words[0]) ?? 0, words.count > 1 ? String(words[1]) : "?")
      })
  }

  /// The sentence about the ranks' shares in percent and their hosts.
  package static func sentence(_ ranks: [(share: Double, host: String)]) -> String? {
    let order = ranks.indices.sorted { ranks[$0].share < ranks[$1].share }
    guard let slowest = order.first, let fastest = order.last, ranks.count > 1 else { return nil }
    func name(_ rank: Int) -> String { "rank \(rank) (\(ranks[rank].host))" }
    let listed = ranks.count <= mostListed ? Array(ranks.indices) : [slowest, fastest]
    let list = listed.map { "\(name($0)) \(Int(ranks[$0].share.rounded())) %" }
      .joined(separator: ", ")
    let isUneven = ranks[fastest].share - ranks[slowest].share > difference
    return "Share of each rank's time spent communicating or waiting: \(list)."
      + (isUneven ? " The others wait for \(name(slowest)), which is the slowest." : "")
  }
}
