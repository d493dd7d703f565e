import Foundation
import System
import TestSupport
import Testing
import Towers
import Training

/// What the timeline records, and the trace that is made of it.
@Suite(.serialized) struct TimelineTests {
  /// A trace of one rank's recording, written and read back.
  private func trace(_ recording: Timeline.Recording, gzip: Bool = false) throws -> Trace {
    var builder = TraceBuilder(
      [RankRecording(name: "one", recording: recording)], [ClockOffset(atStart: 0)])
    let folder = TemporaryFolder()
    let path = folder.path + "/trace.json" + (gzip ? ".gz" : "")
    try builder.trace().write(to: path)
    let start = try Data(contentsOf: URL(fileURLWithPath: path)).prefix(2)
    #expect(Array(start) == (gzip ? [0x1F, 0x8B] : Array("{\"".utf8)))
    return try Trace(reading: path)
  }

  @Test(arguments: [false, true])
  func layersOfTheTimelineAddUpToWhatTheNetworkCounts(_ gzip: Bool) throws {
    let bench = try NetworkBench(SmallNetworks.alexNetLike(towers: 1), images: 48, threads: 2)
    try bench.step()
    let before = bench.network.layerSeconds
    Timeline.start()
    for step in 1...3 {
      Timeline.beginStep(step)
      try bench.step()
      Timeline.endStep()
    }
    let recording = Timeline.stop()
    let after = bench.network.layerSeconds
    #expect(!Timeline.isRecording && recording.dropped == 0)
    // Throws where a begin has no end, or spans of a track overlap.
    let spans = try trace(recording, gzip: gzip).spans()
    #expect(spans.filter { $0.category == "step" }.map(\.name) == ["step 1", "step 2", "step 3"])
    for (old, new) in zip(before, after) {
      for (kind, seconds) in [
        ("forward", new.forward - old.forward), ("backward", new.backward - old.backward),
      ] {
        // The only tower is run by the calling thread.
        let own = spans.filter { $0.track == 0 && $0.name == new.name && $0.category == kind }
        let sum = own.reduce(0) { $0 + $1.end - $1.start }
        #expect(abs(sum - seconds) <= 0.05 * seconds + 1e-5, "\(new.name) \(kind)")
        #expect(own.isEmpty == (seconds == 0), "\(new.name) \(kind)")
      }
    }
    #expect(spans.contains { $0.category == "share" && $0.track != 0 })
  }

  @Test func onlyTheDefaultGivesWayToTheStepsOfTheRun() throws {
    func steps(_ done: Int, _ last: Int, isDefault: Bool = true) throws -> ClosedRange<Int> {
      try TimelineChoice(path: "t", steps: 10...20, isDefault: isDefault)
        .steps(after: done, last: last)
    }
    #expect(try steps(0, 100) == 10...20 && steps(9, 20, isDefault: false) == 10...20)
    #expect(try steps(0, 15) == 10...15 && steps(0, 6) == 1...6)
    // Of a run that goes on, those after the place where it does.
    #expect(try steps(100, 200) == 110...120 && steps(100, 105) == 101...105)
    #expect(throws: Failure.self) { try steps(0, 15, isDefault: false) }
    #expect(throws: Failure.self) { try steps(10, 100, isDefault: false) }
    #expect(throws: Failure.self) { try steps(15, 15) }
  }

  @Test func aRecordingIsBounded() throws {
    Timeline.start(limit: 4)
    for number in 0..<10 { Timeline.span("span \(number)", .load) {} }
    let recording = Timeline.stop()
    #expect(recording.events.count == 4 && recording.dropped >= 6)
    Timeline.span("unseen", .load) {}
    Timeline.start()
    let span = Timeline.begin("open", .load)
    let open = Timeline.stop()
    Timeline.end(span)
    let event = try #require(open.events.first { $0.name == "open" })
    #expect(event.end >= event.start, "what is open ends with the recording")
    #expect(!open.events.contains { $0.name == "unseen" })
  }

  /// Rank 1's clock is 100 s ahead.
  ///
  /// It sends 4 bytes at 2 s and 8 bytes at 3 s by the first
  /// rank's, which waits for both from 1 s to 6 s.
  @Test func messagesLieOnTheirLinkAndWaitingIsTakenApart() throws {
    typealias Event = Timeline.Event
    func recording(_ events: [Event], ahead: Double = 0) -> Timeline.Recording {
      Timeline.Recording(
        events: events, threads: ["main"], dropped: 0, start: ahead, end: ahead + 10)
    }
    let receiver = recording([
      Event(kind: .phase, name: "forward", thread: 0, start: 0, end: 8),
      Event(
        kind: .receive, name: "", thread: 0, start: 0.5, end: 5, bytes: 4, peer: 1, tag: 7,
        channel: 2),
      Event(
        kind: .receive, name: "", thread: 0, start: 0.5, end: 5.5, bytes: 8, peer: 1, tag: 7,
        channel: 2),
      Event(kind: .wait, name: "exchange", thread: 0, start: 1, end: 6),
    ])
    let sender = recording(
      [(102.0, 4), (103.0, 8)].map { start, bytes in
        Event(
          kind: .send, name: "send", thread: 0, start: start, end: start + 0.5, bytes: bytes,
          peer: 0, tag: 7, channel: 2)
      }, ahead: 100)
    var builder = TraceBuilder(
      [RankRecording(name: "a", recording: receiver), RankRecording(name: "b", recording: sender)],
      [ClockOffset(atStart: 0), ClockOffset(atStart: 100, atEnd: 100, uncertainty: 1e-6)])
    let trace = builder.trace()
    #expect(trace.otherData.unmatched == 0)
    #expect(abs(trace.otherData.clockOffsets[1] - 1e8) < 1)
    let spans = try trace.spans()
    func times(_ category: String) -> [[Double]] {
      spans.filter { $0.category == category }.map { [$0.start, $0.end] }
    }
    #expect(times("late") == [[1, 3]] && times("moving") == [[3, 6]])
    // The second message waits for the first.
    #expect(times("link") == [[2, 5], [5, 5.5]])
    #expect(
      spans.filter { $0.category == "link" }.map(\.track) == [Trace.link(from: 1), 1_000_001])
    for number in 1...2 {
      let flow = trace.traceEvents.filter { $0.id == number }
      #expect(flow.map(\.ph) == ["s", "t", "f"] && flow.map(\.pid) == [1, 0, 0])
      #expect(flow.map { $0.ts ?? 0 }.sorted() == flow.map { $0.ts ?? 0 }, "forward in time")
    }
    #expect(trace.processNames == [0: "a", 1: "b"])
  }

  @Test func aDamagedTimelineIsRefused() throws {
    let folder = TemporaryFolder()
    let path = folder.path + "/trace.json"
    let facts =
      "\"otherData\":{\"clockOffsets\":[],\"clockUncertainties\":[],\"dropped\":[],"
      + "\"unmatched\":0},\"displayTimeUnit\":\"ms\""
    for (events, sentence) in [
      ("{\"ph\":\"B\",\"pid\":0,\"tid\":0,\"ts\":1,\"name\":\"a\"}", "has no end"),
      ("{\"ph\":\"E\",\"pid\":0,\"tid\":0,\"ts\":1}", "has not begun"),
      (
        "{\"ph\":\"B\",\"pid\":0,\"tid\":0,\"ts\":2},{\"ph\":\"E\",\"pid\":0,\"tid\":0,\"ts\":1}",
        "time goes back"
      ),
      (
        "{\"ph\":\"B\",\"pid\":0,\"tid\":0,\"ts\":2},"
          + "{\"ph\":\"E\",\"pid\":0,\"tid\":0,\"ts\":\"inf\"}", "time goes back"
      ),
    ] {
      try "{\(facts),\"traceEvents\":[\(events)]}".write(
        toFile: path, atomically: true, encoding: .utf8)
      let error = #expect(throws: Failure.self) { try Trace(reading: path).spans() }
      #expect(error?.message.contains(sentence) == true, "\(sentence)")
    }
    try "{}".write(toFile: path, atomically: true, encoding: .utf8)
    #expect(throws: Failure.self) { try Trace(reading: path) }
  }
}
