import Tensors

/// Which picture is at each position of the stream of all epochs.
///
/// The stream is all epochs' shuffled orders, one after the other. Batches are cut from it without
/// regard to where an epoch ends: all batches are full, each picture occurs once per epoch, and the
/// step alone gives the position.
package struct ImageStream: Sendable {
  /// The order in which a split is read.
  package enum Order: String, Sendable {
    /// Shuffled anew for every epoch, without end.
    case shuffled
    /// Shuffled without end, every class as frequent as any other: see `BalancedStream`.
    case balanced
    /// One pass, in the order on disk.
    case inOrder
  }

  private let count: Int
  private let order: Order
  private let random: Philox
  private var epoch = -1
  private var permutation: [UInt32] = []

  /// The stream over a split of `count` pictures.
  package init(count: Int, order: Order, seed: UInt64) {
    precondition(count > 0, "A stream needs at least one picture.")
    self.count = count
    self.order = order
    random = RandomPurpose.epochOrder.generator(seed: seed)
  }

  /// The epoch, counted from 0, and the picture at a position of the stream.
  ///
  /// The first call for an epoch shuffles it, which takes under a second for a million pictures.
  package mutating func place(_ position: Int) -> (epoch: Int, index: Int) {
    let (wanted, place) = position.quotientAndRemainder(dividingBy: count)
    guard order == .shuffled else { return (wanted, place) }
    if wanted != epoch {
      permutation = random.permutation(of: count, epoch: wanted)
      epoch = wanted
    }
    return (epoch, Int(permutation[place]))
  }
}
