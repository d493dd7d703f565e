public import Failures
public import MPI

/// Which of the network's towers live in this process, and how it reaches the others.
///
/// As many ranks as towers: each owns one. One rank: it owns them all, and nothing is sent.
public struct Placement: Sendable {
  /// The towers of the network.
  public let towers: Int
  /// The towers of this process.
  public let owned: Range<Int>
  /// The ranks that share the network's towers, rank t owning tower t; one rank where all towers are here.
  public let group: Communicator

  /// Spreads the towers over a group of ranks.
  /// - Throws: `Failure` (usage) where the group has neither one rank nor as many as there are towers.
  public init(towers: Int, over group: Communicator) throws(Failure) {
    guard group.size == 1 || group.size == towers else {
      let fitting = towers == 1 ? "mpirun -np 1" : "mpirun -np 1 or -np \(towers)"
      throw Failure(
        .usage,
        "A network of \(towers) tower\(towers == 1 ? "" : "s") cannot be shared by \(group.size) ranks; "
          + "start it with \(fitting).")
    }
    self.towers = towers
    self.group = group
    owned = group.size == 1 ? 0..<towers : group.rank..<(group.rank + 1)
  }

  /// Whether towers have to send messages to each other.
  public var isDistributed: Bool { group.size > 1 }

  /// The kernels (neurons, classes) of `count` that a tower owns; the odd ones go to the first towers.
  public static func share(of count: Int, tower: Int, towers: Int) -> Range<Int> {
    let (each, odd) = count.quotientAndRemainder(dividingBy: towers)
    let start = tower * each + min(tower, odd)
    return start..<(start + each + (tower < odd ? 1 : 0))
  }
}
