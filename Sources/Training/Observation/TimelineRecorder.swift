import Foundation
import JSON
import MPI
import ModelParallel
package import System

/// Which steps of a run are recorded, and where to.
package struct TimelineChoice: Sendable {
  package let path: String
  /// The steps, counted from 1.
  package let steps: ClosedRange<Int>
  /// Whether nobody asked for these steps, so that others will do.
  package let isDefault: Bool

  package init(path: String, steps: ClosedRange<Int>, isDefault: Bool = false) {
    (self.path, self.steps, self.isDefault) = (path, steps, isDefault)
  }

  /// The steps that a run can record which has done some and ends after the last.
  ///
  /// The default's are counted from where the run goes on, and cut off at its end; of a run that is
  /// shorter they are all.
  /// - Throws: `Failure` (usage) where the run will not do those that were asked for, or none.
  package func steps(after done: Int, last: Int) throws(Failure) -> ClosedRange<Int> {
    guard done < last else {
      throw Failure(
        .usage,
        "No step is left for --timeline to record: the run has done all \(last); leave it out, or "
          + "train further.")
    }
    if steps.lowerBound > done, steps.upperBound <= last { return steps }
    guard isDefault else {
      throw Failure(
        .usage,
        "--timeline-steps \(steps.lowerBound):\(steps.upperBound) must be among the steps that the "
          + "run will do, \(done + 1):\(last).")
    }
    let first = done + steps.lowerBound
    return first <= last ? first...min(last, done + steps.upperBound) : (done + 1)...last
  }
}

/// Records some steps of a run on all ranks, and writes them as one file in the first.
final class TimelineRecorder {
  private enum State { case waiting, recording, done }

  private let path: String
  private let steps: ClosedRange<Int>
  /// Why these and not the default's; empty where they were asked for.
  private let reason: String
  private let name: String
  /// All ranks, with messages of their own.
  private let world: Communicator
  private var state = State.waiting
  private var offsets: [ClockOffset] = []

  /// Rounds of messages by which a clock is measured; the fastest counts.
  private static let rounds = 20

  /// - Throws: `Failure` (usage) where the run will not do these steps, or the file cannot be
  ///   made; `MPIError` where a message fails.
  init(
    _ choice: TimelineChoice, _ placement: Placement, over world: Communicator, done: Int,
    last: Int
  ) throws {
    steps = try choice.steps(after: done, last: last)
    path = choice.path
    let standard = choice.steps
    reason =
      steps == standard
      ? ""
      : "; --timeline-steps is \(standard.lowerBound):\(standard.upperBound) where it is not given, "
        + "and the steps left were \(done + 1):\(last)"
    if world.rank == 0 { try OutputPlace.check(path) }
    self.world = try world.duplicate()
    let towers =
      placement.owned.count == 1
      ? "tower \(placement.owned.lowerBound)"
      : "towers \(placement.owned.lowerBound)-\(placement.owned.upperBound - 1)"
    name =
      "\(Machine.hostName):\(world.rank), \(towers)"
      + (placement.replicas > 1 ? ", replica \(placement.replica)" : "")
  }

  /// All ranks are about to do a step.
  func begin(step: Int) throws(MPIError) {
    if state == .waiting, step >= steps.lowerBound {
      offsets = try measureClocks().map { ClockOffset(atStart: $0.offset) }
      Timeline.start()
      state = .recording
    }
    Timeline.beginStep(step)
  }

  /// All ranks have done it.
  /// - Returns: What to say, once.
  func end(step: Int) throws -> String? {
    Timeline.endStep()
    return state == .recording && step >= steps.upperBound ? try finish() : nil
  }

  /// The run ends, maybe too early.
  /// - Returns: What to say, once.
  func finish() throws -> String? {
    guard state != .done else { return nil }
    let hasBegun = state == .recording
    state = .done
    guard hasBegun else {
      return "No timeline was written: the run ended before step \(steps.lowerBound)."
    }
    let recording = Timeline.stop()
    Activity.begin("writing the timeline", waitsForRanks: true)
    for (rank, clock) in try measureClocks().enumerated() {
      (offsets[rank].atEnd, offsets[rank].uncertainty) = (clock.offset, clock.uncertainty)
    }
    let texts = try gather(JSONText.encode(RankRecording(name: name, recording: recording)))
    guard world.rank == 0 else { return nil }
    let ranks = try texts.map {
      try JSONText.value(
        RankRecording.self, $0, JSONText.Bounds(values: 1 << 24), from: path)
    }
    var builder = TraceBuilder(ranks, offsets)
    let trace = builder.trace()
    try trace.write(to: path)
    let dropped = trace.otherData.dropped.reduce(0, +)
    return "Wrote the timeline \(quoted(path)) of the steps \(steps.lowerBound):\(steps.upperBound)"
      + "\(reason): \(trace.traceEvents.count) events"
      + (world.size == 1
        ? "."
        : String(
          format: ", clocks aligned to %.1f us.", 1e6 * (offsets.map(\.uncertainty).max() ?? 0)))
      + (dropped == 0
        ? "" : " \(dropped) events did not fit; give fewer steps with --timeline-steps.")
  }

  // MARK: Messages

  /// What each rank's clock is ahead of the first's; known to the first.
  ///
  /// A clock is read between a message's way there and back. What is smaller than that may be
  /// wrong by is taken for zero: the ranks of a host have one clock.
  private func measureClocks() throws(MPIError) -> [(offset: Double, uncertainty: Double)] {
    var result = [(offset: Double, uncertainty: Double)](repeating: (0, 0), count: world.size)
    for rank in 1..<max(1, world.size) {
      guard world.rank == 0 || world.rank == rank else { continue }
      var best = Double.infinity
      for _ in 0..<Self.rounds {
        let start = MonotonicClock.seconds
        if world.rank == 0 {
          try send([start], to: rank)
          let theirs = try receive(1, from: rank)[0]
          let end = MonotonicClock.seconds
          guard end - start < best else { continue }
          best = end - start
          result[rank] = (theirs - (start + end) / 2, best / 2)
        } else {
          _ = try receive(1, from: 0)
          try send([MonotonicClock.seconds], to: 0)
        }
      }
      if abs(result[rank].offset) < result[rank].uncertainty { result[rank].offset = 0 }
    }
    return result
  }

  private func send(_ numbers: [Double], to rank: Int) throws(MPIError) {
    let requests = Requests()
    try numbers.withUnsafeBufferPointer { buffer throws(MPIError) in
      try world.startSend(buffer, to: rank, tag: 0, in: requests)
      try requests.wait()
    }
  }

  private func receive(_ count: Int, from rank: Int) throws(MPIError) -> [Double] {
    let requests = Requests()
    var numbers = [Double](repeating: 0, count: count)
    try numbers.withUnsafeMutableBufferPointer { buffer throws(MPIError) in
      try world.startReceive(into: buffer, from: rank, tag: 0, in: requests)
      try requests.wait()
    }
    return numbers
  }

  /// The texts of all ranks in the first, one after the other.
  private func gather(_ text: String) throws(MPIError) -> [[UInt8]] {
    let own = Array(text.utf8)
    guard world.rank == 0 else {
      try send([Double(own.count)], to: 0)
      let requests = Requests()
      try own.withUnsafeBufferPointer { buffer throws(MPIError) in
        try world.startSend(buffer, to: 0, tag: 1, in: requests)
        try requests.wait()
      }
      return []
    }
    var texts = [own]
    for rank in 1..<max(1, world.size) {
      let count = Int(try receive(1, from: rank)[0])
      var bytes = [UInt8](repeating: 0, count: count)
      let requests = Requests()
      try bytes.withUnsafeMutableBufferPointer { buffer throws(MPIError) in
        try world.startReceive(into: buffer, from: rank, tag: 1, in: requests)
        try requests.wait()
      }
      texts.append(bytes)
    }
    return texts
  }
}
