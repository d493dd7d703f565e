package import System

/// What one rank has recorded.
package struct RankRecording: Codable {
  let name: String
  let recording: Timeline.Recording

  package init(name: String, recording: Timeline.Recording) {
    (self.name, self.recording) = (name, recording)
  }
}

/// What a rank's clock is ahead of the first rank's, measured twice.
package struct ClockOffset {
  /// Seconds at the beginning of the recording.
  let atStart: Double
  /// Seconds at its end.
  var atEnd: Double
  /// How far the second may be wrong.
  var uncertainty: Double

  package init(atStart: Double, atEnd: Double = 0, uncertainty: Double = 0) {
    (self.atStart, self.atEnd, self.uncertainty) = (atStart, atEnd, uncertainty)
  }
}

/// Makes one trace of what all ranks have recorded.
///
/// A link's track lies in the receiver's process. A link carries one message after the other, so
/// one that is sent while another is on its way begins when that one has arrived. Waiting for
/// messages is cut in two at the time when the last of them was sent: before, a rank is late;
/// after, bytes move.
package struct TraceBuilder {
  private let ranks: [RankRecording]
  private let offsets: [ClockOffset]
  private var events: [Trace.Event] = []
  private var flows = 0
  private var unmatched = 0
  private var zero = 0.0

  package init(_ ranks: [RankRecording], _ offsets: [ClockOffset]) {
    self.ranks = ranks
    self.offsets = offsets
  }

  /// The trace.
  package mutating func trace() -> Trace {
    zero =
      ranks.indices.flatMap { rank in
        ranks[rank].recording.events.map { time($0.start, of: rank) }
      }.min() ?? 0
    for rank in ranks.indices { addNames(rank) }
    let (arrivals, links) = match()
    for rank in ranks.indices { addSpans(rank, arrivals[rank]) }
    for rank in ranks.indices { addLinks(rank, links[rank]) }
    return Trace(
      Trace.Facts(
        clockOffsets: offsets.map { 1e6 * $0.atEnd },
        clockUncertainties: offsets.map { 1e6 * $0.uncertainty },
        dropped: ranks.map(\.recording.dropped), unmatched: unmatched), events)
  }

  /// A rank's time by the first rank's clock: offsets are interpolated, since clocks drift.
  private func time(_ seconds: Double, of rank: Int) -> Double {
    let (recording, offset) = (ranks[rank].recording, offsets[rank])
    let length = max(1e-9, recording.end - recording.start)
    let share = min(max((seconds - recording.start) / length, 0), 1)
    return seconds - offset.atStart - share * (offset.atEnd - offset.atStart)
  }

  private func microseconds(_ time: Double) -> Double {
    (1e9 * (time - zero)).rounded() / 1000
  }

  // MARK: Names

  private mutating func addNames(_ rank: Int) {
    name("process_name", ranks[rank].name, rank, 0)
    events.append(
      Trace.Event(
        ph: "M", name: "process_sort_index", pid: rank, tid: 0,
        args: Trace.Arguments(sort_index: rank)))
    for (thread, purpose) in ranks[rank].recording.threads.enumerated() {
      name("thread_name", thread == 0 ? purpose : "\(thread): \(purpose)", rank, thread)
    }
  }

  private mutating func name(_ kind: String, _ text: String, _ rank: Int, _ track: Int) {
    events.append(
      Trace.Event(
        ph: "M", name: kind, pid: rank, tid: track, args: Trace.Arguments(name: text)))
  }

  // MARK: Messages

  /// A message with both ends, by the first rank's clock.
  private struct Message {
    let source: Int
    let sent: Double
    let sender: Int
    let arrived: Double
    let receiver: Int
    let bytes: Int
    var flow = 0
  }

  private struct Address: Hashable { let source, target, tag, channel: Int }

  /// The messages that arrived at each rank; messages of one address arrive in the order in which
  /// they were sent.
  private mutating func match() -> (byRank: [[Message]], links: [[Int: [Message]]]) {
    var sent: [Address: [(start: Double, thread: Int)]] = [:]
    for rank in ranks.indices {
      for event in ranks[rank].recording.events where event.kind == .send {
        let address = Address(
          source: rank, target: event.peer, tag: event.tag, channel: event.channel)
        sent[address, default: []].append((time(event.start, of: rank), event.thread))
      }
    }
    var taken: [Address: Int] = [:]
    var byRank = ranks.map { _ in [Message]() }
    var links = ranks.map { _ in [Int: [Message]]() }
    for rank in ranks.indices {
      for event in ranks[rank].recording.events where event.kind == .receive {
        let address = Address(
          source: event.peer, target: rank, tag: event.tag, channel: event.channel)
        let number = taken[address, default: 0]
        taken[address] = number + 1
        guard let begin = sent[address], number < begin.count else {
          unmatched += 1
          continue
        }
        flows += 1
        let message = Message(
          source: event.peer, sent: begin[number].start, sender: begin[number].thread,
          arrived: max(time(event.end, of: rank), begin[number].start), receiver: event.thread,
          bytes: event.bytes, flow: flows)
        byRank[rank].append(message)
        links[rank][event.peer, default: []].append(message)
      }
    }
    unmatched += sent.reduce(0) { $0 + $1.value.count - min($1.value.count, taken[$1.key] ?? 0) }
    return (byRank, links)
  }

  // MARK: Spans

  private struct Span {
    let name: String
    let category: String
    let start: Double
    let end: Double
    var bytes = 0
    var peer: Int?
  }

  private mutating func addSpans(_ rank: Int, _ messages: [Message]) {
    let recording = ranks[rank].recording
    var threads = recording.threads.map { _ in [Span]() }
    for event in recording.events where event.kind != .receive {
      let (start, end) = (time(event.start, of: rank), time(event.end, of: rank))
      threads[event.thread].append(
        Span(
          name: event.name, category: event.kind.rawValue, start: start, end: end,
          bytes: event.bytes, peer: event.peer >= 0 ? event.peer : nil))
      guard event.kind == .wait else { continue }
      let here = messages.filter { (start...end).contains($0.arrived) }
      guard let last = here.max(by: { $0.sent < $1.sent }) else { continue }
      let cut = min(max(last.sent, start), end)
      if cut > start {
        threads[event.thread].append(
          Span(
            name: "rank \(last.source) has not sent yet", category: "late", start: start, end: cut,
            peer: last.source))
      }
      threads[event.thread].append(
        Span(
          name: "moving", category: "moving", start: cut, end: end,
          bytes: here.reduce(0) { $0 + $1.bytes }))
    }
    for (thread, spans) in threads.enumerated() { add(spans, rank, thread) }
  }

  /// Begins and ends in their order; spans come in the order of their begins.
  private mutating func add(_ spans: [Span], _ rank: Int, _ track: Int) {
    var open: [Double] = []
    func event(_ ph: String, _ seconds: Double) -> Trace.Event {
      Trace.Event(ph: ph, pid: rank, tid: track, ts: microseconds(seconds))
    }
    for span in spans {
      while let end = open.last, end <= span.start {
        events.append(event("E", end))
        open.removeLast()
      }
      var begin = event("B", span.start)
      (begin.name, begin.cat) = (span.name, span.category)
      if span.bytes > 0 || span.peer != nil {
        begin.args = Trace.Arguments(bytes: span.bytes > 0 ? span.bytes : nil, peer: span.peer)
      }
      events.append(begin)
      open.append(min(span.end, open.last ?? span.end))
    }
    while let end = open.popLast() { events.append(event("E", end)) }
  }

  // MARK: Links and flows

  private mutating func addLinks(_ rank: Int, _ links: [Int: [Message]]) {
    let waits = ranks[rank].recording.events.filter { $0.kind == .wait }.map {
      (name: $0.name, thread: $0.thread, time($0.start, of: rank)...time($0.end, of: rank))
    }
    for (source, messages) in links.sorted(by: { $0.key < $1.key }) {
      let track = Trace.link(from: source)
      name("thread_name", "link from rank \(source)", rank, track)
      var spans: [Span] = []
      var free = -Double.infinity
      for message in messages.sorted(by: { ($0.arrived, $0.sent) < ($1.arrived, $1.sent) }) {
        let start = min(max(message.sent, free), message.arrived)
        free = message.arrived
        let wait = waits.first { $0.2.contains(message.arrived) }
        spans.append(
          Span(
            name: wait?.name ?? "message", category: "link", start: start, end: message.arrived,
            bytes: message.bytes, peer: source))
        flow("s", message, source, message.sender, message.sent)
        flow(wait == nil ? "f" : "t", message, rank, track, start)
        if let wait { flow("f", message, rank, wait.thread, message.arrived) }
      }
      add(spans, rank, track)
    }
  }

  private mutating func flow(
    _ ph: String, _ message: Message, _ rank: Int, _ track: Int, _ seconds: Double
  ) {
    events.append(
      Trace.Event(
        ph: ph, name: "message", cat: "flow", pid: rank, tid: track, ts: microseconds(seconds),
        id: message.flow, bp: ph == "f" ? "e" : nil))
  }
}
