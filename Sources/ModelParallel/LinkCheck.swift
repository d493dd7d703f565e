import Foundation
import Glibc
package import MPI
package import System

/// Tries the links between ranks before anything depends on them.
package enum LinkCheck {
  /// What a link does.
  package struct Link: Sendable, Codable, CustomStringConvertible {
    /// Half the time that a byte takes there and back, in seconds.
    package let latency: Double
    /// Bytes a second each way while both ways are in use.
    package let bandwidth: Double

    /// Makes a link from its figures.
    package init(latency: Double, bandwidth: Double) {
      self.latency = latency
      self.bandwidth = bandwidth
    }

    /// `0.11 GB/s each way, 18.7 us`.
    package var description: String {
      String(format: "%.2f GB/s each way, %.1f us", 1e-9 * bandwidth, 1e6 * latency)
    }
  }

  /// The messages that are tried, in numbers: one that travels in one piece, and those that are
  /// negotiated.
  private static let lengths = [1, 1000, 65_537, 1 << 20]
  /// Of these, what there is time for before a training.
  private static let quickLengths = [1, 1000, 65_537]
  /// Of a limit, what a message of several packets is given when one of a single packet has come.
  private static let shareOfSecond = 1.0 / 3

  /// Exchanges messages with checked contents between ranks; all ranks of the group call it
  /// together.
  ///
  /// Every rank sends to its neighbours at distances 1, 2, 4 and so on, so that each rank and each
  /// host is busy in few rounds. Nobody waits for longer than the limit: where a network is wrong,
  /// MPI would wait for ever.
  /// - Parameters:
  ///   - group: The ranks.
  ///   - limit: Seconds that a message may take.
  /// - Throws: `Failure` (input/output) that names the ranks where a message does not come or is
  ///   damaged.
  package static func verify(_ group: Communicator, within limit: Double = 60) throws(Failure) {
    try verify(group, lengths, limit)
  }

  /// The same with what there is time for before a training: a tenth of a second for two hosts at
  /// 1 Gbit/s, and little more for many.
  ///
  /// It comes before anything else is sent: a long message that is lost holds up all that follow.
  package static func verifyQuickly(_ world: Communicator, within limit: Double) throws(Failure) {
    try verify(world, quickLengths, limit)
  }

  private static func verify(
    _ group: Communicator, _ lengths: [Int], _ limit: Double
  ) throws(Failure) {
    var distance = 1
    while distance < group.size {
      for (place, length) in lengths.enumerated() {
        try exchange(
          group, distance, length, place == 1 ? limit * shareOfSecond : limit,
          passed: place > 0 ? lengths[place - 1] : nil)
      }
      distance *= 2
    }
  }

  /// Measures the link between the towers of a replica before a training.
  ///
  /// All ranks call it together.
  /// - Parameter placement: Where the towers are.
  /// - Returns: What the slowest of the replicas' links does, the same on every rank: that between
  ///   its first two ranks, or between the first two replicas where each of them is on one rank.
  ///   Nil for one rank.
  /// - Throws: `Failure` (input/output) if a message fails.
  package static func quick(_ placement: Placement) throws(Failure) -> Link? {
    guard placement.all.size > 1 else { return nil }
    do throws(MPIError) {
      let group = placement.isDistributed ? placement.group : placement.peers
      let ownLink =
        group.rank < 2 ? try link(group, 1 - group.rank, bytes: 1 << 20, times: 3, trips: 50) : nil
      return Link(
        latency: try placement.all.allReduce(ownLink?.latency ?? 0, .max),
        bandwidth: try placement.all.allReduce(ownLink?.bandwidth ?? .infinity, .min))
    } catch {
      throw .unreachable(error)
    }
  }

  private static func exchange(
    _ group: Communicator, _ distance: Int, _ length: Int, _ limit: Double, passed: Int?
  ) throws(Failure) {
    let (to, from) = (
      (group.rank + distance) % group.size, (group.rank - distance + group.size) % group.size
    )
    Activity.begin("the test of a link", waitsForRanks: true)
    let sent = UnsafeMutableBufferPointer<Float>.allocate(capacity: length)
    let received = UnsafeMutableBufferPointer<Float>.allocate(capacity: length)
    for i in 0..<length { sent[i] = content(i, from: group.rank, distance) }
    received.initialize(repeating: .nan)
    let requests = Requests()
    var isThere = false
    do throws(MPIError) {
      try group.startReceive(into: received, from: from, tag: 7, in: requests)
      try group.startSend(UnsafeBufferPointer(sent), to: to, tag: 7, in: requests)
      let start = MonotonicClock.seconds
      isThere = try requests.test()
      while !isThere && MonotonicClock.seconds - start < limit {
        usleep(20)
        isThere = try requests.test()
      }
    } catch {
      throw .unreachable(error)
    }
    guard isThere else {
      // The buffers are left to the messages: the program ends here.
      requests.abandon()
      let others = to == from ? "rank \(to)" : "ranks \(to) and \(from)"
      let what =
        "Rank \(group.rank) (\(Machine.hostName)) could not exchange a message of "
        + "\(4 * length) bytes with \(others) within \(Int(limit)) s"
      throw Failure(.inputOutput, what + remedy(passed: passed))
    }
    defer {
      sent.deallocate()
      received.deallocate()
    }
    let wrong = (0..<length).first { received[$0] != content($0, from: from, distance) }
    guard let wrong else { return }
    throw Failure(
      .inputOutput,
      "Rank \(group.rank) (\(Machine.hostName)) received a damaged message from rank \(from): "
        + "number \(wrong) of \(length) is \(received[wrong]) and should be "
        + "\(content(wrong, from: from, distance)). Try another network "
        + "(\(LaunchOptions.messages())) or transport (\(LaunchOptions.plainTransport))."
    )
  }

  /// What to do where a message does not come, by the length of the one before, which did.
  private static func remedy(passed: Int?) -> String {
    guard let passed else {
      return ". Name the network that joins the hosts: \(LaunchOptions.network())"
        + (LaunchOptions.canLaunch ? " ('alexnet launch' does)" : "") + ", and check the firewall."
    }
    return ", while messages of \(4 * passed) bytes come through: something between them drops "
      + "large packets, since its MTU is smaller than theirs ('ping -M do -s 1472 HOST' shows it). "
      + "Set the MTU that the whole way carries, 'ip link set dev NAME mtu 1400', or "
      + "'sysctl net.ipv4.tcp_mtu_probing=1', on all hosts, or name another network: "
      + "\(LaunchOptions.network())."
  }

  /// A whole number that says whose it is and where it belongs.
  private static func content(_ position: Int, from rank: Int, _ distance: Int) -> Float {
    Float((position &* 31 &+ rank &* 1009 &+ distance &* 7) & 0xFFFFF)
  }

  /// Measures the links between neighbours: ranks 0 and 1, then 1 and 2, and so on, one link at a
  /// time.
  ///
  /// All ranks of the group call it together.
  /// - Parameters:
  ///   - group: The ranks.
  ///   - bytes: The length of the messages that the speed is measured with.
  /// - Returns: The link of each rank but the last to the next one, the same on every rank.
  /// - Throws: `MPIError` where a message fails.
  package static func measure(
    _ group: Communicator, bytes: Int = 8 << 20
  ) throws(MPIError) -> [Link] {
    var latencies = [Double](repeating: 0, count: max(0, group.size - 1))
    var bandwidths = latencies
    for low in latencies.indices {
      Activity.begin("the measurement of a link", waitsForRanks: true)
      try group.barrier()
      guard group.rank == low || group.rank == low + 1 else { continue }
      let link = try link(group, 2 * low + 1 - group.rank, bytes: bytes, times: 5, trips: 200)
      if group.rank == low { (latencies[low], bandwidths[low]) = (link.latency, link.bandwidth) }
    }
    var figures = latencies + bandwidths
    try group.allReduce(&figures, .sum)
    return latencies.indices.map {
      Link(latency: figures[$0], bandwidth: figures[latencies.count + $0])
    }
  }

  /// The link to another rank, which calls it too.
  private static func link(
    _ group: Communicator, _ peer: Int, bytes: Int, times: Int, trips: Int
  ) throws(MPIError) -> Link {
    let latency = try roundTrip(group, peer, trips) / 2
    return Link(
      latency: latency, bandwidth: Double(bytes) / (try bothWays(group, peer, bytes, times)))
  }

  /// Seconds that a byte takes there and back.
  private static func roundTrip(
    _ group: Communicator, _ peer: Int, _ times: Int
  ) throws(MPIError) -> Double {
    let byte = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 1)
    byte.initialize(repeating: 0)
    defer { byte.deallocate() }
    var start = 0.0
    for round in 0..<(times + 20) {
      if round == 20 { start = MonotonicClock.seconds }
      for isSending in group.rank < peer ? [true, false] : [false, true] {
        let requests = Requests()
        if isSending {
          try group.startSend(UnsafeBufferPointer(byte), to: peer, tag: 8, in: requests)
        } else {
          try group.startReceive(into: byte, from: peer, tag: 8, in: requests)
        }
        try requests.wait()
      }
    }
    return (MonotonicClock.seconds - start) / Double(times)
  }

  /// Seconds that a message each way takes: the median of some.
  private static func bothWays(
    _ group: Communicator, _ peer: Int, _ bytes: Int, _ count: Int
  ) throws(MPIError) -> Double {
    let sent = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes)
    let received = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes)
    defer {
      sent.deallocate()
      received.deallocate()
    }
    sent.initialize(repeating: 1)
    received.initialize(repeating: 0)
    var times: [Double] = []
    // The first one opens connections.
    for _ in 0...count {
      let start = MonotonicClock.seconds
      try group.exchange(
        send: UnsafeBufferPointer(sent), receive: received, with: peer, tag: 9)
      times.append(MonotonicClock.seconds - start)
    }
    return times.dropFirst().sorted()[count / 2]
  }
}
