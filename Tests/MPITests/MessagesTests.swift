import MPI
import Testing
import TestSupport

/// Messages between the two ranks of a pair: one pair on two ranks, two pairs on four.
@Suite(.serialized, .enabled(if: TestWorld.hasPairs, "run with mpirun -np 2 or 4"))
struct MessagesAcrossRanksTests {
  static let pair = TestWorld.shared.pair
  static let peer = 1 - pair.rank

  @Test func bothRanksExchangeNumbersOfEveryType() throws {
    #expect(try Self.exchanged([Float(Self.pair.rank), 2.5]) == [Float(Self.peer), 2.5])
    #expect(try Self.exchanged([Double(Self.pair.rank), .pi]) == [Double(Self.peer), .pi])
    #expect(try Self.exchanged([Int64(Self.pair.rank), .min]) == [Int64(Self.peer), .min])
    #expect(try Self.exchanged([UInt8(Self.pair.rank), 255]) == [UInt8(Self.peer), 255])
    #expect(try Self.exchanged([Float]()) == [])
  }

  static func exchanged<Element: MPIElement>(_ numbers: [Element]) throws -> [Element] {
    try [Element](unsafeUninitializedCapacity: numbers.count) { buffer, count in
      count = numbers.count
      let receive = UnsafeMutableBufferPointer(rebasing: buffer[..<count])
      try numbers.withUnsafeBufferPointer {
        try pair.exchange(send: $0, receive: receive, with: peer, tag: 3)
      }
    }
  }

  @Test(arguments: [1, 1000, 1_000_000]) func nonBlockingMessagesArrive(_ count: Int) throws {
    let (send, receive) = (Self.buffer(count), Self.buffer(count))
    defer {
      send.deallocate()
      receive.deallocate()
    }
    for i in 0..<count { send[i] = Float(Self.pair.rank * 1000 + i % 1000) }
    let requests = Requests()
    // A set of requests serves again and again.
    for _ in 0..<3 {
      receive.update(repeating: -1)
      try Self.pair.startReceive(into: receive, from: Self.peer, tag: 1, in: requests)
      try Self.pair.startSend(UnsafeBufferPointer(send), to: Self.peer, tag: 1, in: requests)
      try requests.wait()
      let isWhole = receive.indices.allSatisfy {
        receive[$0] == Float(Self.peer * 1000 + $0 % 1000)
      }
      #expect(isWhole)
    }
  }

  static func buffer(_ count: Int) -> UnsafeMutableBufferPointer<Float> {
    let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: count)
    buffer.initialize(repeating: -1)
    return buffer
  }

  @Test func tagsDistinguishMessages() throws {
    let (first, second) = (Self.buffer(1), Self.buffer(1))
    let sent = Self.buffer(2)
    defer { for buffer in [first, second, sent] { buffer.deallocate() } }
    (sent[0], sent[1]) = (10, 20)
    let requests = Requests()
    // Asked for in the other order than sent.
    try Self.pair.startReceive(into: second, from: Self.peer, tag: 8, in: requests)
    try Self.pair.startReceive(into: first, from: Self.peer, tag: 7, in: requests)
    for (place, tag) in [7, 8].enumerated() {
      let number = UnsafeBufferPointer(rebasing: sent[place..<(place + 1)])
      try Self.pair.startSend(number, to: Self.peer, tag: tag, in: requests)
    }
    try requests.wait()
    #expect(first[0] == 10 && second[0] == 20)
  }

  @Test func aMessageLongerThanItsBufferIsAnError() throws {
    let (send, receive) = (Self.buffer(4), Self.buffer(2))
    defer {
      send.deallocate()
      receive.deallocate()
    }
    let error = #expect(throws: MPIError.self) {
      try Self.pair.exchange(
        send: UnsafeBufferPointer(send), receive: receive, with: Self.peer, tag: 4)
    }
    #if MPICH
      #expect(error?.description.contains("Message truncated") == true)
    #else
      #expect(error?.description.contains("MPI_ERR_TRUNCATE") == true)
    #endif
    try Self.pair.barrier()
  }

  @Test func deallocatedRequestsAreWaitedFor() throws {
    let (send, receive) = (Self.buffer(10_000), Self.buffer(10_000))
    defer {
      send.deallocate()
      receive.deallocate()
    }
    send.update(repeating: 6)
    do {
      let requests = Requests()
      try Self.pair.startReceive(into: receive, from: Self.peer, tag: 2, in: requests)
      try Self.pair.startSend(UnsafeBufferPointer(send), to: Self.peer, tag: 2, in: requests)
    }
    #expect(receive.allSatisfy { $0 == 6 })
  }

  @Test func pairsOfRanksDoNotReceiveEachOthersMessages() throws {
    let world = TestWorld.shared.all
    #expect(Self.pair.size == 2)
    #expect(try Self.pair.allReduce(Int64(world.rank), .min) == Int64(world.rank / 2 * 2))
    #expect(try Self.pair.allReduce(Int64(world.rank), .max) == Int64(world.rank / 2 * 2 + 1))
  }
}
