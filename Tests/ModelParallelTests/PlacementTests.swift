import Failures
import MPI
import ModelParallel
import Testing
import TestSupport

@Suite struct PlacementTests {
  @Test func oneRankOwnsEveryTower() throws {
    let placement = try Placement(towers: 2, over: TestWorld.shared.alone)
    #expect(placement.owned == 0..<2 && placement.towers == 2 && !placement.isDistributed)
  }

  @Test func sharesWorkedByHand() {
    // 7 classes on two towers: the odd one to tower 0.
    #expect(Placement.share(of: 7, tower: 0, towers: 2) == 0..<4)
    #expect(Placement.share(of: 7, tower: 1, towers: 2) == 4..<7)
    #expect(Placement.share(of: 1000, tower: 1, towers: 2) == 500..<1000)
    // 11 on four: 3, 3, 3, 2.
    #expect(
      (0..<4).map { Placement.share(of: 11, tower: $0, towers: 4) } == [
        0..<3, 3..<6, 6..<9, 9..<11,
      ])
    #expect(Placement.share(of: 1, tower: 1, towers: 2).isEmpty)
  }

  @Test func sharesCoverEveryKernelOnce() {
    for count in 0...40 {
      for towers in 1...7 {
        let shares = (0..<towers).map { Placement.share(of: count, tower: $0, towers: towers) }
        #expect(shares[0].lowerBound == 0 && shares[towers - 1].upperBound == count)
        #expect(zip(shares, shares.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound })
        #expect(zip(shares, shares.dropFirst()).allSatisfy { $0.count >= $1.count })
      }
    }
  }
}

@Suite(.serialized, .enabled(if: TestWorld.hasPairs, "run with mpirun -np 2 or 4"))
struct PlacementAcrossRanksTests {
  static let world = TestWorld.shared

  @Test func asManyRanksAsTowersOwnOneEach() throws {
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
        == "A network of \(towers) towers cannot be shared by 2 ranks; start it with mpirun -np 1 or "
        + "-np \(towers).")
  }

  @Test func oneTowerRunsOnOneRankOnly() {
    let failure = #expect(throws: Failure.self) {
      _ = try Placement(towers: 1, over: Self.world.pair)
    }
    #expect(
      failure?.message
        == "A network of 1 tower cannot be shared by 2 ranks; start it with mpirun -np 1.")
  }

  @Test(.enabled(if: TestWorld.size == 4, "run with mpirun -np 4"))
  func threeRanksAreRefusedForTwoTowers() throws {
    let three = try Self.world.all.split(color: Self.world.all.rank / 3, key: 0)
    guard three.size == 3 else { return }
    let failure = #expect(throws: Failure.self) { _ = try Placement(towers: 2, over: three) }
    #expect(
      failure?.message.hasPrefix("A network of 2 towers cannot be shared by 3 ranks;") == true)
  }
}
