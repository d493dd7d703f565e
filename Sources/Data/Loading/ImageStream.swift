import Tensors

/// A picture's position in the stream of all epochs.
package struct StreamPlace: Equatable, Sendable {
  /// Its position in the stream, counted over all epochs.
  package let position: Int
  /// The epoch, counted from 0.
  package let epoch: Int
  /// The picture's index in its split.
  package let index: Int
  /// How often the picture was used before; the epoch where nil.
  package var uses: Int?
}

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

  /// What is at a position.
  ///
  /// The first call for an epoch shuffles it, which takes under a second for a million pictures.
  package mutating func place(_ position: Int) -> StreamPlace {
    let (wanted, place) = position.quotientAndRemainder(dividingBy: count)
    guard order == .shuffled else {
      return StreamPlace(position: position, epoch: wanted, index: place)
    }
    if wanted != epoch {
      permutation = random.permutation(of: count, epoch: wanted)
      epoch = wanted
    }
    return StreamPlace(position: position, epoch: epoch, index: Int(permutation[place]))
  }
}
