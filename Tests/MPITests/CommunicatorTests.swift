import Glibc
import MPI
import System
import TestSupport
import Testing

/// What holds on any number of ranks, on one as well.
@Suite(.serialized) struct CommunicatorAcrossRanksTests {
  static let world = TestWorld.shared.all

  @Test func theWorldHasRanks() {
    #expect((0..<Self.world.size).contains(Self.world.rank))
    #expect(TestWorld.shared.alone.size == 1 && TestWorld.shared.alone.rank == 0)
    #expect(!Environment.libraryVersion.isEmpty && !Machine.hostName.isEmpty)
  }

  static func reduced<Element: MPINumber & Equatable>(
    _ values: [Element], _ operation: Reduction
  ) throws -> [Element] {
    var values = values
    try values.withUnsafeMutableBufferPointer { try world.allReduce($0, operation) }
    return values
  }

  @Test func sumsOfEveryType() throws {
    let (rank, size) = (Self.world.rank, Self.world.size)
    let ranks = size * (size - 1) / 2
    #expect(try Self.reduced([Float(rank), 1], .sum) == [Float(ranks), Float(size)])
    #expect(try Self.reduced([Double(rank), 0.5], .sum) == [Double(ranks), Double(size) / 2])
    let large = Int64(1) << 40
    #expect(try Self.reduced([Int64(rank) + large], .sum) == [Int64(ranks) + large * Int64(size)])
    #expect(try Self.reduced([Int32(rank), -1], .sum) == [Int32(ranks), Int32(-size)])
  }

  @Test func largestAndSmallestOfEveryType() throws {
    let (rank, last) = (Self.world.rank, Self.world.size - 1)
    #expect(try Self.reduced([Float(rank), Float(-rank)], .max) == [Float(last), 0])
    #expect(try Self.reduced([Float(rank), Float(-rank)], .min) == [0, Float(-last)])
    #expect(try Self.reduced([Double(rank), Double(-rank)], .max) == [Double(last), 0])
    #expect(try Self.reduced([Double(rank), Double(-rank)], .min) == [0, Double(-last)])
    #expect(try Self.reduced([Int64(rank), Int64(-rank)], .max) == [Int64(last), 0])
    #expect(try Self.reduced([Int64(rank), Int64(-rank)], .min) == [0, Int64(-last)])
    #expect(try Self.reduced([Int32(rank), Int32(-rank)], .max) == [Int32(last), 0])
  }

  @Test func reductionsOfOneNumber() throws {
    #expect(try Self.world.allReduce(Int64(1), .sum) == Int64(Self.world.size))
    #expect(try Self.world.allReduce(Double(Self.world.rank), .max) == Double(Self.world.size - 1))
    #expect(try Self.world.allReduce(Float(Self.world.rank + 3), .min) == 3)
  }

  @Test func emptyReductionsDoNothing() throws {
    #expect(try Self.reduced([Float](), .sum) == [])
  }

  @Test(arguments: ["", "a", "Zwei Türme \u{1F5FC}", String(repeating: "long ", count: 20_000)])
  func broadcastGivesEveryRankTheRootsText(_ text: String) throws {
    for root in 0..<Self.world.size {
      let mine = Self.world.rank == root ? text + "\(root)" : "not this"
      #expect(try Self.world.broadcast(mine, from: root) == text + "\(root)")
    }
  }

  @Test func allGatherGivesEveryRankAllTexts() throws {
    let text = String(repeating: "x", count: Self.world.rank * 3)
    let expected = (0..<Self.world.size).map { String(repeating: "x", count: $0 * 3) }
    #expect(try Self.world.allGather(text) == expected)
  }

  @Test func allGatherGivesEveryRankTheBytesOfAll() throws {
    let own = [UInt8](repeating: UInt8(200 + Self.world.rank), count: Self.world.rank + 1)
    let counts = Array(1...Self.world.size)
    let expected = counts.flatMap { [UInt8](repeating: UInt8(199 + $0), count: $0) }
    #expect(try Self.world.allGather(own, counts: counts) == expected)
    #expect(try Self.world.allGather(UInt16(60_000)) == counts.map { _ in 60_000 })
  }

  @Test func aSplitOrdersItsRanksByKey() throws {
    let (rank, size) = (Self.world.rank, Self.world.size)
    let reversed = try Self.world.split(color: 0, key: -rank)
    #expect(reversed.size == size && reversed.rank == size - 1 - rank)
    let parity = try Self.world.split(color: rank % 2, key: rank)
    #expect(parity.size == (size + 1 - rank % 2) / 2 && parity.rank == rank / 2)
    #expect(try parity.allReduce(Int64(rank % 2), .max) == Int64(rank % 2))
  }

  @Test func hundredsOfCommunicatorsComeAndGoWithoutACrash() throws {
    // A crash in MPI_Comm_free shows. That each is freed does not: Open MPI has room for so many,
    // 2^15 or so, that this would take too long.
    for _ in 0..<500 {
      let part = try Self.world.split(color: 0, key: 0)
      #expect(part.size == Self.world.size)
    }
  }

  @Test(arguments: [false, true]) func noRankLeavesABarrierBeforeTheLastOneEnters(_ sleeps: Bool)
    throws
  {
    let world = Self.world
    func now() -> Double {
      var time = timespec()
      clock_gettime(CLOCK_MONOTONIC, &time)
      return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
    for late in 0..<world.size {
      _ = try world.allReduce(Int64(0), .sum)
      // The ranks of a host share this clock.
      if world.rank == late { usleep(20_000) }
      let arrival = now()
      try sleeps ? world.sleepingBarrier() : world.barrier()
      let departure = now()
      #expect(try departure >= world.allReduce(arrival, .max))
    }
  }

  @Test func ranksOnOneHostAreGrouped() throws {
    let names = try Self.world.allGather(Machine.hostName)
    let host = try Self.world.ranksOnThisHost()
    #expect(host.size == names.count { $0 == Machine.hostName })
    #expect((0..<host.size).contains(host.rank))
  }

  @Test func anInvalidRankIsAnErrorWithRoutineAndText() {
    let nobody = Self.world.size + 7
    let numbers: [Float] = [1, 2]
    var received: [Float] = [0, 0]
    let error = #expect(throws: MPIError.self) {
      try numbers.withUnsafeBufferPointer { send in
        try received.withUnsafeMutableBufferPointer { receive in
          try Self.world.exchange(send: send, receive: receive, with: nobody)
        }
      }
    }
    #expect(error?.routine == "MPI_Sendrecv")
    #if MPICH
      #expect(error?.description == "MPI_Sendrecv: Invalid rank")
    #else
      #expect(error?.description == "MPI_Sendrecv: MPI_ERR_RANK: invalid rank")
    #endif
    #expect(error?.code != 0)
  }

  @Test func startingAMessageToAnInvalidRankIsAnError() throws {
    let numbers = UnsafeMutableBufferPointer<Float>.allocate(capacity: 2)
    defer { numbers.deallocate() }
    numbers.initialize(repeating: 0)
    let requests = Requests()
    let sending = #expect(throws: MPIError.self) {
      try Self.world.startSend(UnsafeBufferPointer(numbers), to: -77, tag: 0, in: requests)
    }
    #expect(sending?.routine == "MPI_Isend" && sending?.text.contains("rank") == true)
    let receiving = #expect(throws: MPIError.self) {
      try Self.world.startReceive(into: numbers, from: -77, tag: 0, in: requests)
    }
    #expect(receiving?.routine == "MPI_Irecv" && receiving?.text.contains("rank") == true)
    // Nothing was started: there is nothing to wait for.
    try requests.wait()
  }

  @Test func aBroadcastFromAnInvalidRankIsAnErrorOnEveryRank() {
    let error = #expect(throws: MPIError.self) {
      _ = try Self.world.broadcast("text", from: Self.world.size)
    }
    #expect(error?.routine == "MPI_Bcast")
  }

  @Test func aMessageToOneselfArrives() throws {
    let received = UnsafeMutableBufferPointer<Int64>.allocate(capacity: 3)
    defer { received.deallocate() }
    received.initialize(repeating: 0)
    let sent: [Int64] = [1, -2, .max]
    let requests = Requests()
    try sent.withUnsafeBufferPointer { sent in
      try Self.world.startReceive(into: received, from: Self.world.rank, tag: 5, in: requests)
      try Self.world.startSend(sent, to: Self.world.rank, tag: 5, in: requests)
      try requests.wait()
    }
    #expect(Array(received) == sent)
  }
}

/// One process by itself, which needs no MPI.
@Suite struct AloneTests {
  @Test func collectivesReturnAtOnceInASingleProcess() throws {
    let alone = Communicator.alone
    #expect(alone.rank == 0 && alone.size == 1)
    try alone.barrier()
    try alone.sleepingBarrier()
    #expect(try alone.allReduce(2.5, .sum) == 2.5)
    var values: [Float] = [1, -3]
    try alone.allReduce(&values, .min)
    #expect(values == [1, -3])
    #expect(try alone.broadcast("text", from: 0) == "text")
    #expect(try alone.allGather("text") == ["text"])
    #expect(try alone.split(color: 3, key: 1) === alone)
    #expect(try alone.ranksOnThisHost() === alone)
  }

  @Test func sendingWithoutOtherRanksIsAProgrammingError() async {
    await #expect(processExitsWith: .failure) {
      let numbers: [Float] = [1]
      try numbers.withUnsafeBufferPointer {
        try Communicator.alone.startSend($0, to: 0, tag: 0, in: Requests())
      }
    }
  }
}
