import System
import Tensors

/// Where batches lie: two of them take turns, one with the caller while the other is filled.
///
/// A step's batch has the place of its number modulo 2. The processes of a loading group see the
/// same two: each fills its part, and the batch is lent when all parts are there. What they tell
/// each other about it, each in entries of its own, lies in front of the batches, and is read and
/// written inside `monitor.locked`, as is all that changes here.
final class BatchBuffer: @unchecked Sendable {
  /// One of the two.
  final class Slot {
    let input: Tensor
    let labels: UnsafeMutableBufferPointer<Int32>
    /// Which record of the split each picture is.
    let records: UnsafeMutableBufferPointer<Int64>
    fileprivate enum State { case empty, filling, ready, lent }
    fileprivate var state = State.empty
    fileprivate var step = 0
    fileprivate var count = 0

    private static let noteBytes = MemoryLayout<Int64>.stride + MemoryLayout<Int32>.stride

    /// Bytes of a batch with what is noted of its pictures, in whole pages.
    fileprivate static func byteCount(images: Int, inputSide: Int) -> Int {
      (images * (inputSide * inputSide * 3 * 4 + noteBytes) + 4095) / 4096 * 4096
    }

    private let notes: UnsafeMutableRawPointer?

    fileprivate init(_ plan: BatchPlan, number: Int) {
      let (images, side) = (plan.positions.count, plan.inputSide)
      let memory: UnsafeMutableRawPointer
      if let group = plan.group {
        let start =
          group.memory.start + BatchBuffer.entryBytes(members: group.size)
          + number * Self.byteCount(images: images, inputSide: side)
        input = Tensor([images, side, side, 3], at: start, of: group.memory)
        memory = start + input.count * MemoryLayout<Float>.stride
        notes = nil
      } else {
        input = Tensor(images, side, side, 3)
        memory = .allocate(byteCount: max(1, images * Self.noteBytes), alignment: 16)
        notes = memory
      }
      records = UnsafeMutableBufferPointer(
        start: memory.bindMemory(to: Int64.self, capacity: images), count: images)
      let behind = memory + images * MemoryLayout<Int64>.stride
      labels = UnsafeMutableBufferPointer(
        start: behind.bindMemory(to: Int32.self, capacity: images), count: images)
    }

    deinit { notes?.deallocate() }
  }

  private let plan: BatchPlan
  private let firstStep: Int
  private let slots: [Slot]
  private let monitor: Monitor
  private let members: Int
  private let member: Int
  private let entries: UnsafeMutablePointer<Entry>
  /// The memory of the entries, where no group has it.
  private let own: UnsafeMutableRawPointer?
  private var nextToFill: Int
  private var nextToLend: Int
  private var failure: Failure?
  private var isEnding = false
  private var waited = 0.0
  private var worked = 0.0

  init(_ plan: BatchPlan, firstStep: Int) {
    self.plan = plan
    self.firstStep = firstStep
    (members, member) = (plan.group?.size ?? 1, plan.group?.rank ?? 0)
    let memory: UnsafeMutableRawPointer
    if let group = plan.group {
      (memory, own) = (group.memory.start, nil)
    } else {
      memory = .allocate(byteCount: Self.entryBytes(members: 1), alignment: 64)
      own = memory
      Self.prepare(memory, members: 1)
    }
    monitor = Monitor(at: memory, makes: false)
    entries = Self.entries(at: memory, members: members)
    slots = (0..<2).map { Slot(plan, number: $0) }
    (nextToFill, nextToLend) = (firstStep, firstStep)
  }

  deinit { own?.deallocate() }

  // MARK: Lending

  /// Waits for the next step's batch; the one before is given back.
  func next() throws(Failure) -> Batch {
    let start = MonotonicClock.seconds
    let outcome: Result<Batch, Failure> = monitor.locked {
      for slot in slots where slot.state == .lent {
        slot.state = .empty
        entry(slot.step, member).pointee.released = slot.step
        monitor.wakeAll()
      }
      let slot = slots[nextToLend & 1]
      if let count = plan.stepCount, nextToLend >= count { return .success(batch(slot, count: 0)) }
      while true {
        if slot.state == .ready, slot.step == nextToLend, isFilled(nextToLend) {
          slot.state = .lent
          waited += MonotonicClock.seconds - start
          defer { nextToLend += 1 }
          return .success(batch(slot, count: slot.count))
        }
        if let failure { return .failure(failure) }
        monitor.wait()
      }
    }
    return try outcome.get()
  }

  private func batch(_ slot: Slot, count: Int) -> Batch {
    Batch(
      input: slot.input, labels: Array(slot.labels[..<count]),
      records: slot.records[..<count].map { Int($0) }, count: count,
      globalCount: plan.globalCount(nextToLend), step: nextToLend,
      firstImage: nextToLend * plan.batchSize,
      skipped: count == 0 ? (0, nil) : skipped(nextToLend))
  }

  var secondsWaited: Double { monitor.locked { waited } }
  var secondsWorked: Double { monitor.locked { worked } }

  // MARK: Filling

  /// Waits until a batch is to be filled; nil at the end.
  func nextSlot() -> (slot: Slot, step: Int)? {
    monitor.locked {
      while !isEnding {
        let slot = slots[nextToFill & 1]
        let isDone = plan.stepCount.map { nextToFill >= $0 } ?? false
        if !isDone, failure == nil, slot.state == .empty, isFree(for: nextToFill) {
          slot.state = .filling
          return (slot, nextToFill)
        }
        monitor.wait()
      }
      return nil
    }
  }

  /// The part of a batch of so many pictures that this process fills.
  func ownPart(of count: Int) -> Range<Int> { evenSplit(count, part: member, of: members) }

  /// Takes note of what came of this process's part of a batch of so many pictures.
  func note(_ outcome: BatchReader.Outcome, of slot: Slot, step: Int, count: Int) {
    monitor.locked {
      worked += outcome.secondsWorked
      if let failure = outcome.failure {
        self.failure = failure
        slot.state = .empty
      } else {
        (slot.state, slot.step, slot.count) = (.ready, step, count - outcome.leftOut)
        nextToFill += 1
        noteFilled(step, outcome.skipped)
      }
      monitor.wakeAll()
    }
  }

  /// Lets who waits for a batch to fill go.
  func end() {
    monitor.locked {
      isEnding = true
      monitor.wakeAll()
    }
  }

  // MARK: What the processes tell each other

  /// One member's word on one of the two batches.
  private struct Entry {
    /// The step whose part is ready.
    var filled: Int
    /// The step that was given back last.
    var released: Int
    /// How many records of the part are damaged, and what is wrong with the first.
    var skipped: Int
    var messageLength: Int
  }

  private static let longestMessage = 1024
  private static let header = 256

  private static func entryBytes(members: Int) -> Int {
    let all = header + 2 * members * (MemoryLayout<Entry>.stride + longestMessage)
    return (all + 4095) / 4096 * 4096
  }

  /// Bytes that a group's memory needs.
  static func byteCount(members: Int, images: Int, inputSide: Int) -> Int {
    entryBytes(members: members) + 2 * Slot.byteCount(images: images, inputSide: inputSide)
  }

  private static func entries(
    at memory: UnsafeMutableRawPointer, members: Int
  ) -> UnsafeMutablePointer<Entry> {
    (memory + header).bindMemory(to: Entry.self, capacity: 2 * members)
  }

  /// Makes memory ready, before any member uses it.
  static func prepare(_ memory: UnsafeMutableRawPointer, members: Int) {
    _ = Monitor(at: memory, makes: true)
    entries(at: memory, members: members).initialize(
      repeating: Entry(filled: -1, released: -1, skipped: 0, messageLength: 0), count: 2 * members)
  }

  private func entry(_ step: Int, _ member: Int) -> UnsafeMutablePointer<Entry> {
    entries + (step & 1) * members + member
  }

  private func message(_ step: Int, _ member: Int) -> UnsafeMutableRawBufferPointer {
    let texts = UnsafeMutableRawPointer(entries + 2 * members)
    return UnsafeMutableRawBufferPointer(
      start: texts + ((step & 1) * members + member) * Self.longestMessage,
      count: Self.longestMessage)
  }

  /// Whether all members have given back the batch whose place the step takes.
  private func isFree(for step: Int) -> Bool {
    step < firstStep + 2
      || (0..<members).allSatisfy { entry(step, $0).pointee.released >= step - 2 }
  }

  /// Whether all parts of a step's batch are ready.
  private func isFilled(_ step: Int) -> Bool {
    (0..<members).allSatisfy { entry(step, $0).pointee.filled == step }
  }

  private func noteFilled(_ step: Int, _ skipped: (count: Int, first: Failure?)) {
    let entry = entry(step, member)
    let text = Array((skipped.first?.message ?? "").utf8.prefix(Self.longestMessage))
    text.withUnsafeBytes { message(step, member).copyMemory(from: $0) }
    (entry.pointee.skipped, entry.pointee.messageLength) = (skipped.count, text.count)
    entry.pointee.filled = step
  }

  /// The damaged records of a batch that is filled.
  private func skipped(_ step: Int) -> (count: Int, first: Failure?) {
    var count = 0
    var first: Failure?
    for member in 0..<members {
      let entry = entry(step, member).pointee
      count += entry.skipped
      guard entry.skipped > 0, first == nil else { continue }
      let text = UnsafeRawBufferPointer(message(step, member))[..<entry.messageLength]
      first = Failure(.badData, String(decoding: text, as: UTF8.self))
    }
    return (count, first)
  }
}
