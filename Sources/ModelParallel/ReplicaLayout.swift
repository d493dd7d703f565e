/// Which ranks form a replica, and which member of it each one is.
///
/// The ranks of a replica exchange activations in every step, so they sit on one host wherever a
/// host has enough of them, whatever order mpirun gave the ranks; replicas meet less often and may
/// be apart. The replicas of a host follow each other, so that groups of neighbours are on few
/// hosts.
package struct ReplicaLayout: Equatable, Sendable {
  /// For each rank the number of its replica.
  package let replica: [Int]
  /// For each rank its number within its replica.
  package let member: [Int]

  /// Seats ranks.
  /// - Parameters:
  ///   - hosts: For each rank a number that stands for its host.
  ///   - size: The ranks of a replica; divides the number of ranks.
  package init(hosts: [Int], size: Int) {
    var groups: [[Int]] = []
    var left: [Int] = []
    var seen: Set<Int> = []
    for host in hosts where seen.insert(host).inserted {
      let ranks = hosts.indices.filter { hosts[$0] == host }
      let whole = ranks.count / size * size
      groups += Self.cut(Array(ranks[..<whole]), into: size)
      left += ranks[whole...]
    }
    // Those that found no company on their host, in the order of the ranks.
    groups += Self.cut(left.sorted(), into: size)
    // The first rank is in the first replica: it speaks for all.
    if let first = groups.firstIndex(where: { $0[0] == 0 }) {
      groups.insert(groups.remove(at: first), at: 0)
    }
    var (replica, member) = (hosts, hosts)
    for (number, ranks) in groups.enumerated() {
      for (position, rank) in ranks.enumerated() {
        (replica[rank], member[rank]) = (number, position)
      }
    }
    (self.replica, self.member) = (replica, member)
  }

  private static func cut(_ ranks: [Int], into size: Int) -> [[Int]] {
    stride(from: 0, to: ranks.count, by: size).map { Array(ranks[$0..<$0 + size]) }
  }
}
