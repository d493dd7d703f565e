package import MPI
package import System

/// Which of the network's towers live in this process, and how it reaches the others.
///
/// A *replica* is one whole network: its towers on as many ranks, or all of them on one. Several
/// replicas train on different images of the same batch and keep the same weights.
package struct Placement: Sendable {
  /// The towers of the network.
  package let towers: Int
  /// The towers of this process.
  package let owned: Range<Int>
  /// The ranks of this replica, rank t owning tower t; one rank where all towers are here.
  package let group: Communicator
  /// The number of this replica.
  package let replica: Int
  /// The replicas that train together.
  package let replicas: Int
  /// The ranks of all replicas that own the same towers as this one, by replica.
  package let peers: Communicator
  /// The ranks of all replicas: replica by replica, tower by tower.
  package let all: Communicator
  /// The replicas that one of these replicas stands for; more than 1 where they are groups.
  private let members: Int

  /// Spreads the towers of one or several replicas over a group of ranks.
  ///
  /// One rank owns all towers. More ranks own one tower each, the ranks of a replica on the same
  /// host where that is possible, or all towers each.
  /// - Parameters:
  ///   - towers: The towers of the network.
  ///   - world: The ranks.
  ///   - towersPerRank: 1, or all of them; nil for one, unless there is one rank only.
  /// - Throws: `Failure`: usage where the ranks do not make whole replicas, input/output where they
  ///   do not reach each other.
  package init(
    towers: Int, over world: Communicator, towersPerRank: Int? = nil
  ) throws(Failure) {
    guard [nil, 1, towers].contains(towersPerRank) else {
      throw Failure(
        .usage,
        "\(towersPerRank ?? 0) towers a rank do not fit a network of \(towers); give "
          + "--towers-per-rank 1 or \(towers).")
    }
    self.towers = towers
    members = 1
    let isWhole = towersPerRank == towers || (world.size == 1 && towersPerRank == nil)
    let size = isWhole ? 1 : towers
    guard world.size.isMultiple(of: size) else { throw Self.misfit(towers, world.size) }
    replicas = world.size / size
    guard world.size > 1 else {
      (group, peers, all, replica, owned) = (world, world, world, 0, 0..<towers)
      return
    }
    do throws(MPIError) {
      let host = try world.ranksOnThisHost()
      let first = try world.allGather(host.allReduce(Int64(world.rank), .min))
      let layout = ReplicaLayout(hosts: first.map { Int($0) }, size: size)
      replica = layout.replica[world.rank]
      let member = layout.member[world.rank]
      group = try world.split(color: replica, key: member)
      peers = try world.split(color: member, key: replica)
      all = try world.split(color: 0, key: replica * size + member)
      owned = isWhole ? 0..<towers : member..<(member + 1)
    } catch {
      throw .unreachable(error)
    }
  }

  private init(
    towers: Int, owned: Range<Int>, group: Communicator, replica: Int, replicas: Int,
    peers: Communicator, all: Communicator, members: Int
  ) {
    (self.towers, self.owned, self.group, self.all) = (towers, owned, group, all)
    (self.peers, self.replica, self.replicas) = (peers, replica, replicas)
    self.members = members
  }

  /// Divides the replicas into groups of neighbours, each of which can spread layers over all of
  /// its ranks (hybrid parallelism: Das et al., "Distributed deep learning using synchronous
  /// stochastic gradient descent", 2016).
  ///
  /// All ranks call it together.
  /// - Parameter groups: The groups; divides the replicas.
  /// - Returns: `inside`: the replicas of this rank's group, as if there were no others. `spread`:
  ///   each group as one replica of as many towers as it has ranks, which computes the images of
  ///   all of its replicas.
  /// - Throws: `MPIError` where a message fails.
  package func grouped(
    into groups: Int
  ) throws(MPIError) -> (inside: Placement, spread: Placement) {
    precondition(groups > 0 && replicas.isMultiple(of: groups), "Groups must divide the replicas.")
    let size = replicas / groups
    let (ownGroup, member) = replica.quotientAndRemainder(dividingBy: size)
    // The ranks of a group follow each other in `all`.
    let ranks = try all.split(color: ownGroup, key: all.rank)
    return (
      Placement(
        towers: towers, owned: owned, group: group, replica: member, replicas: size,
        peers: try ranks.split(color: ranks.rank % group.size, key: member), all: ranks,
        members: members),
      Placement(
        towers: ranks.size, owned: ranks.rank..<(ranks.rank + 1), group: ranks, replica: ownGroup,
        replicas: groups, peers: try all.split(color: ranks.rank, key: ownGroup), all: all,
        members: members * size)
    )
  }

  /// Whether towers have to send messages to each other.
  package var isDistributed: Bool { group.size > 1 }

  /// Whether this rank speaks and writes for all.
  package var isFirst: Bool { all.rank == 0 }

  /// The images of a batch that a replica computes; the odd ones go to the first replicas.
  package func images(of batch: Int, replica: Int) -> Range<Int> {
    func images(_ number: Int) -> Range<Int> {
      evenSplit(batch, part: number, of: replicas * members)
    }
    let first = replica * members
    return images(first).lowerBound..<images(first + members - 1).upperBound
  }

  /// The images of a batch that this replica computes.
  package func images(of batch: Int) -> Range<Int> { images(of: batch, replica: replica) }

  private static func misfit(_ towers: Int, _ ranks: Int) -> Failure {
    let below = ranks / towers * towers
    return Failure(
      .usage,
      "A network of \(towers) towers cannot be split over \(ranks) ranks; start it with mpirun -np "
        + "\(max(1, below)) or -np \(below + towers), or give each rank a whole network with "
        + "--towers-per-rank \(towers).")
  }
}

extension Failure {
  /// What becomes of an error of MPI where ranks talk before training.
  package static func unreachable(_ error: MPIError) -> Failure {
    Failure(.inputOutput, "The ranks cannot reach each other: \(error).")
  }
}
