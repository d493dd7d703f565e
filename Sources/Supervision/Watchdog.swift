package import MPI
import System

/// Ends the job when the main thread makes no progress for too long.
///
/// A rank that is stopped, stuck or cut off would keep the others waiting for ever.
///
/// A separate thread observes `Activity` and sends heartbeats to the other ranks, so that the error
/// message can name the late rank and its phase. Time during which this process itself is stopped
/// does not count. The thread runs until it is stopped, so that it can inform the others after an
/// error.
package final class Watchdog {
  /// How the ranks work together.
  package enum Mode: Sendable {
    /// Step by step: a rank without progress delays the others, and ends the job.
    case stepByStep
    /// Each rank works on its own part until they meet at the end: a rank that sends heartbeats may
    /// take long.
    case apart
  }

  /// Seconds without progress that are borne where nobody says how many.
  package static let defaultLimit = 120.0

  private let state: WatchdogState
  private var world: Communicator?
  private var thread: SystemThread?
  /// Whether the others are told when this rank ends the job.
  private var announces = false

  /// Starts watching; all ranks call this together.
  /// - Parameters:
  ///   - world: All ranks.
  ///   - limit: The seconds without progress, or without heartbeats, after which the job ends.
  ///   - mode: How the ranks work together, which decides what ends the job.
  ///   - option: The option that sets the limit.
  ///   - remedy: What to do then.
  /// - Throws: `MPIError` if a message fails.
  package init(
    _ world: Communicator, limit: Double, mode: Mode = .stepByStep,
    option: String = "--watchdog",
    remedy: String = "The last checkpoint is intact: continue with --resume."
  ) throws(MPIError) {
    let host = try world.ranksOnThisHost()
    // The host's smallest rank serves as the host's number.
    let hostNumber = Int(try host.allReduce(Int64(world.rank), .min))
    let isLocal = host.size == world.size
    let socket = world.size > 1 ? HeartbeatSocket(isLocal: isLocal) : nil
    let card = Peer.card(
      host: Machine.hostName, hostNumber: hostNumber, port: socket?.port ?? 0,
      addresses: isLocal ? [] : HeartbeatSocket.ownAddresses)
    let token = try world.broadcast("\(UInt64.random(in: 0 ... .max))", from: 0)
    let peers = try world.allGather(card).enumerated().compactMap {
      $0.offset == world.rank
        ? nil : Peer($0.element, rank: $0.offset, ownHostNumber: hostNumber)
    }
    state = WatchdogState(
      rank: world.rank, peers: peers, socket: socket, token: UInt64(token) ?? 0, limit: limit,
      mode: mode, option: option, remedy: remedy)
    self.world = world
    state.greet()
    start()
    announces = true
    Environment.announceAbort { [state] in state.announceEnd() }
  }

  /// Watches the first messages between ranks, before anything is known about the others.
  /// - Parameters:
  ///   - world: All ranks.
  ///   - limit: The limit in seconds.
  package init(firstMessagesOf world: Communicator, limit: Double) {
    let others = (0..<world.size).filter { $0 != world.rank }.map(String.init)
      .joined(separator: ", ")
    Activity.begin("first messages", waitsForRanks: true)
    state = WatchdogState(
      rank: world.rank, peers: [], socket: nil, token: 0, limit: limit,
      complaint:
        "Rank \(world.rank) (\(Machine.hostName)) has not been able to exchange a message with "
        + "rank \(others) for \(Int(limit)) s",
      remedy:
        "Name the network that all hosts share, \(LaunchOptions.network("eth0")), "
        + "and let no firewall block them.")
    if world.size > 1 { start() }
  }

  /// Watches the start of MPI, which waits for ever if a rank never comes.
  /// - Parameter limit: The limit in seconds.
  package init(startOfMPI limit: Double) {
    Activity.begin("start of MPI", waitsForRanks: true)
    state = WatchdogState(
      rank: 0, peers: [], socket: nil, token: 0, limit: limit, mayAbort: false,
      complaint: "MPI has not started for \(Int(limit)) s, because another rank has not started",
      remedy: "Check the other hosts, and start again.")
    start()
  }

  /// Stops watching when the work is done.
  ///
  /// All ranks call this together and wait for each other, since a rank that stops watching sends
  /// no more heartbeats. A rank that never exits after that (for example because it is stopped)
  /// would keep the job for ever, so each rank has itself killed after the limit, or half a minute.
  /// - Throws: `MPIError` if a message fails.
  package func finish() throws(MPIError) {
    Activity.begin("the shutdown", waitsForRanks: true)
    try world?.sleepingBarrier()
    Environment.leave(within: max(state.limit, 30))
    Activity.begin("leaving", waitsForRanks: true)
    stop()
  }

  /// Stops watching.
  package func stop() {
    guard let thread else { return }
    if announces { Environment.announceAbort(by: nil) }
    state.monitor.locked {
      state.isEnding = true
      state.monitor.wakeAll()
    }
    thread.join()
    self.thread = nil
  }

  private func start() {
    thread = SystemThread { [state] in state.run() }
  }
}
