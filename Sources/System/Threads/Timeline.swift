import Glibc
import Synchronization

/// What the threads of this process do, from begin to end, while somebody records it.
///
/// Nothing is kept while nobody does: a span then costs the reading of one flag. What is kept is
/// bounded; what no longer fits is counted. Spans of a thread lie within each other or apart.
package enum Timeline {
  /// What a span is.
  package enum Kind: String, Codable, Sendable {
    /// A training step.
    case step
    /// What the main thread is about, such as `forward`.
    case phase
    /// A layer on its way forward.
    case forward
    /// A layer on its way back.
    case backward
    /// What one thread of a team does of its caller's span.
    case share
    /// Waiting for other ranks.
    case wait
    /// Handing a message to MPI.
    case send
    /// A message on its way: from the call that asks for it to the one that finds it arrived.
    case receive
    /// A sum or a maximum over ranks.
    case reduction
    /// Reading images.
    case load
    /// Copying or writing a checkpoint.
    case save
  }

  /// A span, or a message.
  package struct Event: Codable, Sendable {
    package let kind: Kind
    package let name: String
    /// The number of its thread, from 0, which is the main thread.
    package let thread: Int
    /// Seconds by `MonotonicClock`.
    package let start: Double
    /// NaN while it lasts.
    package internal(set) var end: Double
    /// Bytes of a message; 0 for anything else.
    package var bytes = 0
    /// The other rank of a message.
    package var peer = -1
    /// The tag of a message.
    package var tag = 0
    /// The number of its communicator, the same on both sides.
    package var channel = 0

    /// Makes an event.
    package init(
      kind: Kind, name: String, thread: Int, start: Double, end: Double, bytes: Int = 0,
      peer: Int = -1, tag: Int = 0, channel: Int = 0
    ) {
      (self.kind, self.name, self.thread, self.start, self.end) = (kind, name, thread, start, end)
      (self.bytes, self.peer, self.tag, self.channel) = (bytes, peer, tag, channel)
    }
  }

  /// What was recorded.
  package struct Recording: Codable, Sendable {
    package let events: [Event]
    /// The first thing that each thread did: what it is there for.
    package let threads: [String]
    /// What did not fit.
    package let dropped: Int
    package let start: Double
    package let end: Double

    /// Makes a recording of its parts.
    package init(
      events: [Event], threads: [String], dropped: Int, start: Double, end: Double
    ) {
      (self.events, self.threads, self.dropped) = (events, threads, dropped)
      (self.start, self.end) = (start, end)
    }
  }

  /// A span that has begun; nothing where nobody records.
  package struct Token: Sendable {
    fileprivate let recording: Int
    fileprivate let place: Int
    fileprivate static let none = Token(recording: 0, place: -1)
  }

  private struct Store {
    var recording = 0
    var events: [Event] = []
    var limit = 0
    var dropped = 0
    var start = 0.0
    var threads: [UInt: Int] = [:]
    var names: [String] = []
    /// The places of the spans that are open, by thread.
    var open: [[Int]] = []
    var phase = Token.none
    var step = Token.none

    mutating func thread(for name: String) -> Int {
      let identity = UInt(pthread_self())
      if let number = threads[identity] { return number }
      threads[identity] = names.count
      names.append(name)
      open.append([])
      return names.count - 1
    }

    mutating func begin(_ name: String, _ kind: Kind, at time: Double? = nil) -> Token {
      guard events.count < limit else {
        dropped += 1
        return .none
      }
      let thread = thread(for: name)
      events.append(
        Event(
          kind: kind, name: name, thread: thread, start: time ?? MonotonicClock.seconds,
          end: .nan))
      open[thread].append(events.count - 1)
      return Token(recording: recording, place: events.count - 1)
    }

    mutating func end(_ token: Token, bytes: Int = 0, at time: Double? = nil) {
      guard token.place >= 0, token.recording == recording, events[token.place].end.isNaN else {
        return
      }
      let (now, thread) = (time ?? MonotonicClock.seconds, events[token.place].thread)
      events[token.place].bytes = bytes
      // What was begun within it and forgotten where an error was thrown ends with it.
      while let place = open[thread].popLast() {
        events[place].end = now
        if place == token.place { break }
      }
    }
  }

  /// The most events of a recording, some 20 MB.
  package static let mostEvents = 200_000

  private static let flag = Atomic<Bool>(false)
  private static let store = Mutex(Store())

  /// Whether somebody records.
  package static var isRecording: Bool { flag.load(ordering: .relaxed) }

  // MARK: Recording

  /// Begins to record; the calling thread is the main one.
  package static func start(limit: Int = mostEvents) {
    store.withLock {
      var fresh = Store()
      fresh.recording = $0.recording + 1
      fresh.limit = limit
      fresh.start = MonotonicClock.seconds
      _ = fresh.thread(for: "main")
      $0 = fresh
    }
    flag.store(true, ordering: .releasing)
  }

  /// Ends the recording, and what is still open with it.
  package static func stop() -> Recording {
    flag.store(false, ordering: .releasing)
    return store.withLock { store in
      let now = MonotonicClock.seconds
      for place in store.events.indices where store.events[place].end.isNaN {
        store.events[place].end = now
      }
      let recording = Recording(
        events: store.events, threads: store.names, dropped: store.dropped, start: store.start,
        end: now)
      // What was begun in it and ends later is of no recording any more.
      let number = store.recording + 1
      store = Store()
      store.recording = number
      return recording
    }
  }

  // MARK: Spans

  /// Begins a span of the calling thread, which `end` ends.
  ///
  /// It begins now where no `time` of the monotonic clock is given.
  package static func begin(
    _ name: @autoclosure () -> String, _ kind: Kind, at time: Double? = nil
  ) -> Token {
    guard isRecording else { return .none }
    let name = name()
    return store.withLock { $0.begin(name, kind, at: time) }
  }

  /// Ends a span, in the thread that began it.
  package static func end(_ token: Token, bytes: Int = 0, at time: Double? = nil) {
    guard token.place >= 0 else { return }
    store.withLock { $0.end(token, bytes: bytes, at: time) }
  }

  /// A span around `body`.
  package static func span<Result, Problem: Error>(
    _ name: @autoclosure () -> String, _ kind: Kind, _ body: () throws(Problem) -> Result
  ) throws(Problem) -> Result {
    let token = begin(name(), kind)
    defer { end(token) }
    return try body()
  }

  /// The name of the innermost span of the calling thread; nil where there is none.
  package static var current: String? {
    guard isRecording else { return nil }
    return store.withLock { store in
      guard let thread = store.threads[UInt(pthread_self())] else { return nil }
      return store.open[thread].last.map { store.events[$0].name }
    }
  }

  /// The main thread turns to something else.
  static func phase(_ name: String) {
    guard isRecording else { return }
    store.withLock { store in
      guard store.threads[UInt(pthread_self())] == 0 else { return }
      store.end(store.phase)
      store.phase = store.begin(name, .phase)
    }
  }

  /// The main thread begins a step, counted from 1.
  package static func beginStep(_ number: Int) {
    guard isRecording else { return }
    store.withLock { store in
      store.end(store.phase)
      store.end(store.step)
      store.step = store.begin("step \(number)", .step)
    }
  }

  /// The main thread has done the step.
  package static func endStep() {
    guard isRecording else { return }
    store.withLock { store in
      store.end(store.phase)
      store.end(store.step)
    }
  }

  // MARK: Messages

  /// Notes that a message was handed to MPI, from `start` to now.
  package static func sent(
    since start: Double, to peer: Int, tag: Int, channel: Int, bytes: Int
  ) {
    guard isRecording else { return }
    store.withLock { store in
      guard store.events.count < store.limit else { return store.dropped += 1 }
      let name = "send to rank \(peer)"
      store.events.append(
        Event(
          kind: .send, name: name, thread: store.thread(for: name), start: start,
          end: MonotonicClock.seconds, bytes: bytes, peer: peer, tag: tag, channel: channel))
    }
  }

  /// Notes that a message is asked for; `arrived` says when it is there.
  package static func expected(from peer: Int, tag: Int, channel: Int, bytes: Int) -> Token {
    guard isRecording else { return .none }
    return store.withLock { store in
      guard store.events.count < store.limit else {
        store.dropped += 1
        return .none
      }
      let name = "from rank \(peer)"
      store.events.append(
        Event(
          kind: .receive, name: name, thread: store.thread(for: name),
          start: MonotonicClock.seconds, end: .nan, bytes: bytes, peer: peer, tag: tag,
          channel: channel))
      return Token(recording: store.recording, place: store.events.count - 1)
    }
  }

  /// Notes that messages are there.
  package static func arrived(_ tokens: [Token]) {
    store.withLock { store in
      let now = MonotonicClock.seconds
      for token in tokens where token.place >= 0 && token.recording == store.recording {
        store.events[token.place].end = now
      }
    }
  }
}
