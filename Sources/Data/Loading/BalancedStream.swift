import Tensors

/// Which picture is at each position of a stream in which every class is as frequent as any other.
///
/// The stream goes round the classes that have pictures, in an order that is drawn anew for each
/// round. A class's own pictures follow each other shuffled, anew whenever all have been used. So
/// the position alone gives the picture, as in `ImageStream`.
struct BalancedStream: Sendable {
  private let count: Int
  /// The pictures of each class that has any.
  private let classes: [[UInt32]]
  private let rounds: Philox
  private let shuffles: Philox
  private var round = -1
  private var order: [UInt32] = []
  /// The shuffled order of each class, and how often it was shuffled before.
  private var shuffled: [(times: Int, order: [UInt32])]

  /// The stream over pictures of these classes.
  init(labels: [Int], seed: UInt64) {
    precondition(!labels.isEmpty, "A stream needs at least one picture.")
    count = labels.count
    var members: [Int: [UInt32]] = [:]
    for (index, label) in labels.enumerated() { members[label, default: []].append(UInt32(index)) }
    classes = members.sorted { $0.key < $1.key }.map(\.value)
    rounds = RandomPurpose.classOrder.generator(seed: seed)
    shuffles = RandomPurpose.orderInClass.generator(seed: seed)
    shuffled = classes.map { _ in (-1, []) }
  }

  /// What is at a position.
  mutating func place(_ position: Int) -> StreamPlace {
    let (wanted, turn) = position.quotientAndRemainder(dividingBy: classes.count)
    if wanted != round {
      order = rounds.permutation(of: classes.count, epoch: wanted)
      round = wanted
    }
    let own = Int(order[turn])
    let (times, number) = wanted.quotientAndRemainder(dividingBy: classes[own].count)
    if shuffled[own].times != times {
      shuffled[own] = (
        times,
        shuffles.permutation(of: classes[own].count, epoch: times * classes.count + own)
      )
    }
    return StreamPlace(
      position: position, epoch: position / count,
      index: Int(classes[own][Int(shuffled[own].order[number])]), uses: times)
  }
}
