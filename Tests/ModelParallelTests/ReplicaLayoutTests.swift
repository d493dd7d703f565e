import ModelParallel
import Testing

@Suite struct ReplicaLayoutTests {
  @Test func towersOfAReplicaAreOnOneHostWhateverTheOrderOfRanks() {
    // mpirun --map-by node deals ranks out in turns; pairs must not be torn apart by that.
    let dealt = ReplicaLayout(hosts: [0, 1, 0, 1, 0, 1, 0, 1], size: 2)
    #expect(dealt.replica == [0, 2, 0, 2, 1, 3, 1, 3])
    #expect(dealt.member == [0, 0, 1, 1, 0, 0, 1, 1])
    let filled = ReplicaLayout(hosts: [0, 0, 1, 1], size: 2)
    #expect(filled.replica == [0, 0, 1, 1] && filled.member == [0, 1, 0, 1])
  }

  @Test func replicasOfAHostAreConsecutive() {
    // Two hosts that take turns, four ranks each: replicas 0 and 1 on the first, 2 and 3 on the
    // second, so that two groups of two replicas are a host each.
    let dealt = ReplicaLayout(hosts: [0, 1, 0, 1, 0, 1, 0, 1], size: 2)
    for rank in 0..<8 { #expect(dealt.replica[rank] / 2 == rank % 2) }
  }

  @Test func leftoverRanksArePairedAcrossHosts() {
    #expect(ReplicaLayout(hosts: [0, 1], size: 2) == ReplicaLayout(hosts: [0, 0], size: 2))
    // Three on each of two hosts: a pair on each, and the two that are left.
    let three = ReplicaLayout(hosts: [0, 0, 0, 1, 1, 1], size: 2)
    #expect(three.replica == [0, 0, 2, 1, 1, 2])
    #expect(three.replica[2] == three.replica[5] && three.replica[3] == three.replica[4])
  }

  @Test func theFirstRankIsTheFirstMemberOfTheFirstReplica() {
    for hosts in [[0, 1, 1], [0, 1, 2, 2, 1, 0], [0, 1, 1, 1], [0]] {
      for size in 1...3 where hosts.count.isMultiple(of: size) {
        let seating = ReplicaLayout(hosts: hosts, size: size)
        #expect(seating.replica[0] == 0 && seating.member[0] == 0)
        for replica in 0..<(hosts.count / size) {
          let members = hosts.indices.filter { seating.replica[$0] == replica }
            .map { seating.member[$0] }
          #expect(members == Array(0..<size))
        }
      }
    }
  }
}
