import MPI
import System

/// Of each rank's time, what it spends on exchanges and other waiting for ranks.
///
/// The rank that waits least is the one that the others wait for.
package struct WaitShares {
  private var start = MonotonicClock.seconds
  private var before = Activity.current.secondsForRanks

  /// Percent by which shares must differ before the slowest rank is called that.
  private static let difference = 25.0
  /// So many ranks are listed one by one.
  private static let mostListed = 8

  /// Compares the ranks, and begins anew; all ranks call it together.
  /// - Returns: A sentence for people; nil if there is nothing to compare.
  /// - Throws: `MPIError` where a message fails.
  mutating func compared(over world: Communicator) throws(MPIError) -> String? {
    guard world.size > 1 else { return nil }
    let waited = Activity.current.secondsForRanks - before
    let share = 100 * waited / max(MonotonicClock.seconds - start, 1e-9)
    self = WaitShares()
    let texts = try world.allGather("\(share) \(MPI.Environment.processorName)")
    return Self.sentence(
      texts.map { text in
        let words = text.split(separator: " ", maxSplits: 1)
        return (Double(words[0]) ?? 0, words.count > 1 ? String(words[1]) : "?")
      })
  }

  /// What is said of the ranks' shares in percent and their hosts.
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
