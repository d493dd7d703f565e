import MPI
import ModelParallel
import System
import TestSupport
import Testing

@Suite struct PlacementTests {
  @Test func oneRankOwnsEveryTower() throws {
    let placement = try Placement(towers: 2, over: TestWorld.shared.alone)
    #expect(placement.owned == 0..<2 && placement.towers == 2 && !placement.isDistributed)
  }

  @Test func splitsWorkedByHand() {
    // 7 classes on two towers: the odd one to tower 0.
    #expect(evenSplit(7, part: 0, of: 2) == 0..<4)
    #expect(evenSplit(7, part: 1, of: 2) == 4..<7)
    #expect(evenSplit(1000, part: 1, of: 2) == 500..<1000)
    // 11 on four: 3, 3, 3, 2.
    #expect(
      (0..<4).map { evenSplit(11, part: $0, of: 4) } == [
        0..<3, 3..<6, 6..<9, 9..<11,
      ])
    #expect(evenSplit(1, part: 1, of: 2).isEmpty)
  }
}

@Suite(.serialized, .enabled(if: TestWorld.hasPairs, "run with mpirun -np 2 or 4"))
struct PlacementAcrossRanksTests {
  static let world = TestWorld.shared

  @Test func withAsManyRanksAsTowersEachOwnsOne() throws {
    let pair = Self.world.pair
    let placement = try Placement(towers: 2, over: pair)
    #expect(placement.owned == pair.rank..<(pair.rank + 1) && placement.isDistributed)
  }

  @Test(arguments: [3, 5]) func anotherNumberOfRanksIsRefusedInOneSentence(_ towers: Int) {
    let failure = #expect(throws: Failure.self) {
      _ = try Placement(towers: towers, over: Self.world.pair)
    }
    #expect(failure?.exitCode == .usage)
    #expect(
      failure?.message
        == "A network of \(towers) towers cannot be split over 2 ranks; start it with mpirun -np 1 "
        + "or -np \(towers), or give each rank a whole network with --towers-per-rank \(towers).")
  }

  @Test func aTowerCannotBeSplitFurther() {
    let failure = #expect(throws: Failure.self) {
      _ = try Placement(towers: 4, over: Self.world.pair, towersPerRank: 2)
    }
    #expect(failure?.message.contains("--towers-per-rank 1 or 4") == true)
  }

  @Test func oneTowerOnTwoRanksMakesTwoReplicas() throws {
    let pair = Self.world.pair
    let placement = try Placement(towers: 1, over: pair)
    #expect(placement.replicas == 2 && placement.replica == pair.rank && placement.owned == 0..<1)
    #expect(placement.group.size == 1 && placement.peers.size == 2 && placement.all.size == 2)
    // Seven images: the odd one to the first replica.
    #expect(placement.images(of: 7) == (pair.rank == 0 ? 0..<4 : 4..<7))
  }

  @Test func everyRankCanOwnAWholeNetwork() throws {
    let placement = try Placement(towers: 2, over: Self.world.all, towersPerRank: 2)
    #expect(placement.owned == 0..<2 && placement.replicas == TestWorld.size)
    #expect(placement.peers.rank == Self.world.all.rank && !placement.isDistributed)
  }

  @Test(.enabled(if: TestWorld.size == 4, "run with mpirun -np 4"))
  func fourRanksAreTwoReplicasOfPairs() throws {
    let world = Self.world.all
    let placement = try Placement(towers: 2, over: world)
    #expect(placement.replicas == 2 && placement.replica == world.rank / 2)
    #expect(placement.owned.lowerBound == world.rank % 2 && placement.group.rank == world.rank % 2)
    #expect(placement.peers.size == 2 && placement.peers.rank == world.rank / 2)
    #expect(placement.isFirst == (world.rank == 0))
    let one = try placement.grouped(into: 1)
    #expect(one.spread.towers == 4 && one.spread.owned == world.rank..<(world.rank + 1))
    #expect(one.spread.replicas == 1 && one.spread.images(of: 7) == 0..<7)
    #expect(one.inside.replicas == 2 && one.inside.replica == placement.replica)
  }

  @Test(.enabled(if: TestWorld.size == 4, "run with mpirun -np 4"))
  func fourReplicasAreTwoGroupsOfTwo() throws {
    let world = Self.world.all
    let placement = try Placement(towers: 2, over: world, towersPerRank: 2)
    let (inside, spread) = try placement.grouped(into: 2)
    // Ranks 0 and 1 are the first group, 2 and 3 the second.
    #expect(inside.replicas == 2 && inside.replica == world.rank % 2 && inside.all.size == 2)
    #expect(inside.peers.rank == world.rank % 2 && inside.owned == 0..<2)
    #expect(spread.towers == 2 && spread.owned.lowerBound == world.rank % 2)
    #expect(spread.replicas == 2 && spread.replica == world.rank / 2)
    #expect(spread.peers.size == 2 && spread.peers.rank == world.rank / 2)
    // Six images are 2, 2, 1 and 1: four of the first group, two of the second, not three each.
    #expect(spread.images(of: 6, replica: 0) == 0..<4 && spread.images(of: 6, replica: 1) == 4..<6)
    #expect(inside.images(of: 4, replica: 1) == placement.images(of: 6, replica: 1))
  }

  @Test(.enabled(if: TestWorld.size == 4, "run with mpirun -np 4"))
  func threeRanksAreRefusedForTwoTowers() throws {
    let three = try Self.world.all.split(color: Self.world.all.rank / 3, key: 0)
    guard three.size == 3 else { return }
    let failure = #expect(throws: Failure.self) { _ = try Placement(towers: 2, over: three) }
    #expect(failure?.message.contains("start it with mpirun -np 2 or -np 4") == true)
  }
}
