import Glibc
import MPI
import System

/// The watchdog's thread.
final class WatchdogState: @unchecked Sendable {
  let monitor = Monitor()
  /// Accessed inside `monitor.locked` only.
  var isEnding = false

  private let rank: Int
  private var peers: [Peer]
  /// The destinations of heartbeats.
  private let places: [(address: UInt32, port: UInt16)]
  private let socket: HeartbeatSocket?
  private let token: UInt64
  let limit: Double
  private let mode: Watchdog.Mode
  /// The option that sets the limit.
  private let option: String
  /// Whether MPI can end the job.
  private let mayAbort: Bool
  /// A fixed error message, used instead of what the heartbeats show.
  private let complaint: String?
  private let remedy: String
  /// Seconds without progress, not counting times when this process was stopped.
  private var idle = 0.0
  private var changes = -1
  private var sinceBeat = Double.infinity
  private var hasWarned = false
  private var hasMissed = false
  private var hasSeenEnding = false

  private static let tick = 0.1
  /// The longest time in seconds that ending a job may take.
  private static let longestEnd = 20.0
  private static let program =
    CommandLine.arguments.first.map { word in
      String(word.split(separator: "/").last ?? "")
    } ?? ""

  init(
    rank: Int, peers: [Peer], socket: HeartbeatSocket?, token: UInt64, limit: Double,
    mode: Watchdog.Mode = .stepByStep, option: String = "", mayAbort: Bool = true,
    complaint: String? = nil, remedy: String
  ) {
    self.rank = rank
    self.peers = peers
    places = peers.flatMap { peer in peer.addresses.map { ($0, peer.port) } }
    self.socket = socket
    self.token = token
    self.limit = limit
    self.mode = mode
    self.option = option
    self.mayAbort = mayAbort
    self.complaint = complaint
    self.remedy = remedy
    // Computed now, since other threads may be stopped when they are needed.
    Launcher.prepareForHandlers()
  }

  /// Seconds between heartbeats.
  private var beat: Double { min(1, limit / 10) }

  /// Seconds without a heartbeat after which a rank counts as silent.
  private var silenceLimit: Double { max(4 * beat, 1) }

  func run() {
    var last = MonotonicClock.seconds
    while monitor.locked({ !isEnding }) {
      if let socket { socket.wait(seconds: Self.tick) } else { usleep(UInt32(Self.tick * 1e6)) }
      let now = MonotonicClock.seconds
      // A longer tick means that this process was stopped or starved.
      let passed = min(now - last, 3 * Self.tick)
      last = now
      listen(passed)
      let activity = Activity.current
      idle = activity.changes == changes ? idle + passed : 0
      if activity.changes != changes || waited < warningLimit { hasWarned = false }
      changes = activity.changes
      sinceBeat += passed
      if sinceBeat >= beat { speak(activity) }
      if Launcher.isGone { leaveWithoutLauncher() }
      if StopSignals.launcherIsEnding, !hasSeenEnding {
        hasSeenEnding = true
        // This process may be killed before it exits by itself.
        Launcher.killLater()
      }
      // A dead rank never answers, and nothing can be saved without it.
      if StopSignals.launcherIsEnding, activity.waitsForRanks, idle >= Launcher.killTimeout {
        StopSignals.exitAtOnce(SIGTERM)
      }
      // Lower ranks report first; they end the others, which report only if the lower ranks do not.
      if waited >= limit + 0.2 * Double(min(rank, 3)) { end(activity) }
      if waited >= warningLimit, !hasWarned { warn(activity) }
      if rank == 0, !hasMissed { lookForUnheard() }
    }
  }

  /// Ranks without any heartbeat: a firewall may block their datagrams, and nothing is known about
  /// them.
  private var unheard: [Peer] { peers.filter { $0.last == nil && $0.silence >= warningLimit } }

  private func lookForUnheard() {
    let unheard = unheard
    guard !unheard.isEmpty else { return }
    hasMissed = true
    StandardStream.error.tell(
      "\(Self.program): warning: no heartbeats arrive from "
        + "\(unheard.map(\.name).joined(separator: ", ")) over UDP; a rank that "
        + (mode == .apart
          ? "stops would not be noticed.\n" : "falls silent would be noticed, but not named.\n"))
  }

  /// A quarter of the limit, by default half a minute.
  ///
  /// That is later than the recommended keepalive: a warning sent into a dead connection would keep
  /// the system's keepalive, which only checks idle connections, from noticing it.
  private var warningLimit: Double { limit / 4 }

  /// The seconds to compare with the limit.
  private var waited: Double {
    switch mode {
    case .stepByStep: idle
    // A rank without any heartbeat may be unable to send them.
    case .apart: peers.filter { $0.last != nil }.map(\.silence).max() ?? 0
    }
  }

  private func listen(_ passed: Double) {
    for i in peers.indices { peers[i].silence += passed }
    while let bytes = socket?.receive() {
      guard let beat = Heartbeat(bytes, token: token, ranks: peers.count + 1),
        let i = peers.firstIndex(where: { $0.rank == beat.rank })
      else { continue }
      if beat.isLeaving, !Environment.isLeaving { awaitEnd() }
      peers[i].last = beat
      peers[i].silence = 0
    }
  }

  /// Sends the first heartbeat at once: a rank that was never heard of counts as behind a firewall.
  func greet() { speak(Activity.current) }

  private func speak(_ activity: Activity.Report) {
    sinceBeat = 0
    send(activity, isLeaving: false)
  }

  /// Tells the others that this rank is about to end the job; any thread may call this.
  func announceEnd() { send(Activity.current, isLeaving: true) }

  private func send(_ activity: Activity.Report, isLeaving: Bool) {
    let beat = Heartbeat(
      rank: rank, step: activity.step, idleSeconds: isLeaving ? 0 : idle,
      waitsForRanks: activity.waitsForRanks, isLeaving: isLeaving, phase: activity.phase)
    let bytes = beat.bytes(token: token)
    for place in places { socket?.send(bytes, to: place.address, port: place.port) }
  }

  /// Waits for the launcher, which another rank has told to end the job; its first signal ends this
  /// process.
  ///
  /// MPI would have a lot to say about a rank that is gone, after that rank's error, so it is kept
  /// from finding out.
  private func awaitEnd() -> Never {
    StopSignals.leaveAtNotice()
    Environment.holdOtherThreads()
    let end = MonotonicClock.seconds + Self.longestEnd
    while MonotonicClock.seconds < end, !Launcher.isGone { usleep(20_000) }
    StopSignals.exitAtOnce(SIGTERM)
  }

  /// The ranks that the others wait for: those without heartbeats, or else those that are not
  /// waiting themselves.
  private var late: [Peer] {
    let silent = peers.filter { $0.last != nil && $0.silence > silenceLimit }
    return silent.isEmpty ? peers.filter { $0.last?.waitsForRanks == false } : silent
  }

  /// An explanation of why the job makes no progress.
  private func account(_ activity: Activity.Report) -> String {
    if mode == .apart {
      return peers.filter { $0.last != nil && $0.silence >= warningLimit }.map {
        "\($0.name) has given no sign of life for \(Int($0.silence.rounded())) s"
      }.joined(separator: "; ") + " (stopped, or cut off)"
    }
    let step = Self.place(activity.step, activity.phase)
    let time = "for \(Int(idle.rounded())) s"
    // A rank without heartbeats is named even if this one may not be waiting for it.
    guard activity.waitsForRanks || late.contains(where: { $0.silence > silenceLimit }) else {
      return "this rank (\(Machine.hostName)) has not finished \(step) \(time)"
    }
    guard !late.isEmpty else {
      guard unheard.isEmpty else {
        return "\(step) has waited \(time) for messages; no heartbeat ever arrived from "
          + "\(unheard.map(\.name).joined(separator: ", ")) over UDP, so one of them may have "
          + "stopped"
      }
      // A rank that misses its heartbeats may have stopped: it is not known to wait.
      let quiet = peers.filter { $0.silence > 2 * beat }
      let others = peers.filter { $0.silence <= 2 * beat }.map(\.name).joined(separator: ", ")
      return "\(step) has waited \(time) for messages"
        + (!others.isEmpty ? ", and \(others) too" : peers.isEmpty ? ", and the others wait" : "")
        + quiet.map {
          "; \($0.name) gave its last sign of life \(Int($0.silence.rounded())) s ago"
        }.joined()
    }
    return late.map { peer in
      let last = peer.last.map { Self.place($0.step, $0.phase) } ?? step
      let silence = peer.silence > silenceLimit ? Int(peer.silence.rounded()) : 0
      return "\(peer.name) has not finished \(last) \(time)"
        + (silence > 0
          ? " and has given no sign of life for \(silence) s (stopped, or cut off)" : "")
    }.joined(separator: "; ")
      + (activity.phase == late.first?.last?.phase ? "" : "; rank \(rank) waits in \(step)")
  }

  private static func place(_ step: Int?, _ phase: String) -> String {
    step.map { "step \($0 + 1) (\(phase))" } ?? phase
  }

  private func warn(_ activity: Activity.Report) {
    hasWarned = true
    // One rank warns: the first one that waits for others.
    let speaker = peers.first {
      $0.rank < rank && $0.silence < silenceLimit && $0.last?.waitsForRanks == true
    }
    guard peers.isEmpty == false, activity.waitsForRanks, speaker == nil else { return }
    StandardStream.error.tell(
      "\(Self.program): warning: \(account(activity)); the job ends after \(Int(limit)) s "
        + "(\(option)).\n"
    )
  }

  /// Ranks whose launcher has died are ended within seconds, and their shared memory is left
  /// behind.
  private func leaveWithoutLauncher() {
    StandardStream.error.tell(
      "\(Self.program) (rank \(rank)): mpirun, or its daemon on \(Machine.hostName), has died. "
        + "\(remedy)\n"
    )
    SegmentNames.remove()
    StopSignals.removeFile()
    _exit(ExitCode.inputOutput.rawValue)
  }

  private func end(_ activity: Activity.Report) {
    let sentence = complaint ?? account(activity)
    StandardStream.error.tell("\(Self.program) (rank \(rank)): \(sentence). \(remedy)\n")
    StopSignals.removeFile()
    // Over a cut network, MPI_Abort waits for an answer that never comes.
    let isCutOff = late.contains { peer in
      !peer.isOnThisHost && peer.silence > silenceLimit
        && !peer.addresses.contains { HeartbeatSocket.answers($0, port: peer.port) }
    }
    if isCutOff || !mayAbort {
      SegmentNames.remove()
      Environment.partWithOthers()
      Launcher.end()
      _exit(ExitCode.inputOutput.rawValue)
    }
    Environment.abort(.inputOutput)
  }
}
