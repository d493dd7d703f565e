import Synchronization
import System
import Testing

@Suite struct ThreadTeamTests {
  @Test(arguments: 1...5) func everyMemberIsCalledOnce(_ count: Int) {
    let team = ThreadTeam(count: count)
    let calls = Mutex([Int](repeating: 0, count: count))
    team.run { member in calls.withLock { $0[member] += 1 } }
    #expect(calls.withLock { $0 } == [Int](repeating: 1, count: count))
    #expect(team.count == count)
  }

  @Test(arguments: 1...4, [0, 1, 2, 3, 7, 100]) func splitCoversEveryNumberOnce(
    _ count: Int, _ total: Int
  ) {
    let team = ThreadTeam(count: count)
    let calls = Mutex([Int](repeating: 0, count: total))
    let members = Mutex<[Int]>([])
    team.split(total) { range, member in
      calls.withLock { for i in range { $0[i] += 1 } }
      members.withLock { $0.append(member) }
    }
    #expect(calls.withLock { $0 } == [Int](repeating: 1, count: total))
    // Members without a number are not called.
    #expect(members.withLock { $0 }.count == min(count, total))
  }

  @Test func sharesAreContiguousAndEven() {
    for total in 0...40 {
      for count in 1...7 {
        let shares = (0..<count).map { evenSplit(total, part: $0, of: count) }
        #expect(shares[0].lowerBound == 0 && shares[count - 1].upperBound == total)
        #expect(zip(shares, shares.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound })
        // The first ones are the larger ones.
        #expect(zip(shares, shares.dropFirst()).allSatisfy { $0.count >= $1.count })
        #expect(shares[0].count - shares[count - 1].count <= 1)
      }
    }
  }

  @Test(arguments: [2, 3], [false, true])
  func worksThousandsOfTimes(_ count: Int, staysAwake: Bool) {
    let team = ThreadTeam(count: count, staysAwake: staysAwake)
    let sum = Atomic(0)
    for _ in 0..<5000 { team.run { sum.add($0 + 1, ordering: .relaxed) } }
    #expect(sum.load(ordering: .relaxed) == 5000 * count * (count + 1) / 2)
  }

  @Test(arguments: [false, true]) func isDoneWhenRunReturns(staysAwake: Bool) {
    let team = ThreadTeam(count: 3, staysAwake: staysAwake)
    let done = Atomic(0)
    var complete = true
    for round in 1...500 {
      team.run { member in
        if member == 2 { for _ in 0..<100 { _ = MonotonicClock.seconds } }
        done.add(1, ordering: .relaxed)
      }
      if done.load(ordering: .relaxed) != 3 * round { complete = false }
    }
    #expect(complete)
  }

  @Test func teamsWorkInsideTeams() {
    let outer = ThreadTeam(count: 2)
    let inner = [ThreadTeam(count: 2), ThreadTeam(count: 3)]
    let sum = Atomic(0)
    for _ in 0..<200 {
      outer.run { member in inner[member].run { sum.add($0, ordering: .relaxed) } }
    }
    #expect(sum.load(ordering: .relaxed) == 200 * (1 + 3))
  }

  @Test func manyTeamsStartAndEnd() {
    let sum = Atomic(0)
    for _ in 0..<200 { ThreadTeam(count: 3).run { sum.add($0, ordering: .relaxed) } }
    #expect(sum.load(ordering: .relaxed) == 200 * 3)
    for _ in 0..<50 { _ = ThreadTeam(count: 4) }
  }

  /// Members that have gone to sleep are woken, and those that look for work see the end.
  @Test func whoStaysAwakeFallsAsleepAndEnds() {
    for _ in 0..<20 {
      let team = ThreadTeam(count: 3, staysAwake: true)
      let sum = Atomic(0)
      for pause in [0.0, 0.005] {
        let start = MonotonicClock.seconds
        while MonotonicClock.seconds - start < pause {}
        team.run { sum.add($0, ordering: .relaxed) }
      }
      #expect(sum.load(ordering: .relaxed) == 6)
    }
  }
}
