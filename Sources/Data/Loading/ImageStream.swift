import Tensors

/// Which picture stands where in the stream of all epochs.
///
/// The stream is the epochs' orders end to end. Batches are cut from it without regard to where an
/// epoch ends: all are full, each picture comes once an epoch, and the step alone says where the
/// stream is.
package struct ImageStream: Sendable {
  /// How a split is gone through.
  package enum Order: String, Sendable {
    /// Every epoch in a new order, without end.
    case shuffled
    /// Once, as the split lies on disk.
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
  /// The first call for an epoch makes its order, which takes under a second for a million
  /// pictures.
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
