import System

/// The shards still to be made, and the sums over the finished ones.
final class ShardQueue: @unchecked Sendable {
  private let monitor = Monitor()
  private let shards: [PreparationPlan.Shard]
  private var taken = 0
  private let sums: PixelSums
  private var failure: Failure?

  init(_ shards: [PreparationPlan.Shard], side: Int) {
    self.shards = shards
    sums = PixelSums(side: side)
  }

  var isStopped: Bool { monitor.locked { failure != nil } }

  func next() -> PreparationPlan.Shard? {
    monitor.locked {
      guard failure == nil, taken < shards.count else { return nil }
      taken += 1
      return shards[taken - 1]
    }
  }

  func add(_ sums: PixelSums) { monitor.locked { self.sums.add(sums) } }

  func fail(_ failure: Failure) { monitor.locked { self.failure = self.failure ?? failure } }

  func result() throws(Failure) -> PixelSums {
    if let failure { throw failure }
    return sums
  }
}
