import Synchronization
import System
import Tensors

/// Who reads: threads that take the pictures of a batch in turn, each with the memory that it
/// needs.
///
/// In a loading group each process has one, for its part of every batch.
final class BatchReader: @unchecked Sendable {
  /// What came of a part of a batch.
  struct Outcome {
    /// Failures by the pictures' places in the batch, in the order in which the threads came upon
    /// them.
    fileprivate var failures: [(place: Int, failure: Failure)] = []
    fileprivate var damaged: [(place: Int, failure: Failure)] = []
    /// Places that stay empty.
    fileprivate var gaps: Set<Int> = []
    /// What it took of the processor.
    fileprivate(set) var secondsWorked = 0.0

    /// The failure of the first picture that has one, whichever thread came upon its own first.
    var failure: Failure? { failures.min { $0.place < $1.place }?.failure }
    /// How many records were skipped, and what was wrong with the first of the batch.
    var skipped: (count: Int, first: Failure?) {
      (damaged.count, damaged.min { $0.place < $1.place }?.failure)
    }
    /// How many pictures are left out.
    var leftOut: Int { gaps.count }
  }

  /// A thread's own memory.
  private struct Desk {
    let reader: RecordReader
    let pixels: UnsafeMutableBufferPointer<UInt8>
    let scratch: CropKernel.Scratch
  }

  private let plan: BatchPlan
  private let desks: [Desk]
  /// Started when there is something to read, by the thread that asks for it.
  private lazy var team = ThreadTeam(count: desks.count)
  // Of the part that is being filled; the outcome is touched inside `monitor.locked`.
  private let taken = Atomic(0)
  private let monitor = Monitor()
  private var outcome = Outcome()

  /// Makes one of as many threads as there are record readers.
  init(_ plan: BatchPlan, _ readers: [RecordReader]) {
    self.plan = plan
    let side = plan.dataset.side
    desks = readers.map {
      Desk(
        reader: $0, pixels: .allocate(capacity: side * side * 3),
        scratch: CropKernel.Scratch(inputSide: plan.inputSide))
    }
  }

  deinit {
    for desk in desks {
      desk.pixels.deallocate()
      desk.scratch.deallocate()
    }
  }

  /// Fills a part of a batch; where places stay empty in it, the pictures behind them move forward.
  func fill(_ part: Range<Int>, of slot: BatchBuffer.Slot, _ places: [StreamPlace]) -> Outcome {
    outcome = Outcome()
    taken.store(part.lowerBound, ordering: .relaxed)
    team.run { member in
      let start = ThreadClock.seconds
      while case let number = taken.wrappingAdd(1, ordering: .relaxed).oldValue,
        number < part.upperBound
      {
        fill(number, of: slot, places[number], desks[member])
      }
      monitor.locked { outcome.secondsWorked += ThreadClock.seconds - start }
    }
    if !outcome.gaps.isEmpty { closeGaps(in: part, of: slot) }
    return outcome
  }

  private func fill(
    _ number: Int, of slot: BatchBuffer.Slot, _ place: StreamPlace, _ desk: Desk
  ) {
    let found: Int?
    do throws(Failure) {
      found = try decode(place.index, number, desk)
    } catch {
      return monitor.locked { outcome.failures.append((number, error)) }
    }
    guard let index = found else {
      monitor.locked { _ = outcome.gaps.insert(number) }
      return
    }
    let area = plan.inputSide * plan.inputSide
    let output = slot.input.pointer + number * area * 3
    plan.kernel.apply(
      plan.dice.draw(place), to: UnsafePointer(desk.pixels.start), into: output, desk.scratch)
    plan.finish(output, area)
    slot.labels[number] = Int32(plan.dataset.label(plan.split, index))
    slot.records[number] = Int64(index)
  }

  /// Decodes a record into the desk's pixels and returns which; if damaged ones are skipped, the
  /// next good one, and in a pass in order nil: no record is to be met twice there.
  private func decode(_ index: Int, _ number: Int, _ desk: Desk) throws(Failure) -> Int? {
    let count = plan.dataset.count(plan.split)
    var tried = 0
    while true {
      let candidate = (index + tried) % count
      do throws(Failure) {
        try plan.dataset.decode(plan.split, candidate, with: desk.reader, into: desk.pixels)
        return candidate
      } catch {
        tried += 1
        guard plan.skipsDamaged, error.exitCode == .badData, tried < count else { throw error }
        monitor.locked { outcome.damaged.append((number, error)) }
        if plan.order == .inOrder { return nil }
      }
    }
  }

  private func closeGaps(in part: Range<Int>, of slot: BatchBuffer.Slot) {
    let size = plan.inputSide * plan.inputSide * 3
    var target = part.lowerBound
    for place in part where !outcome.gaps.contains(place) {
      if place != target {
        (slot.input.pointer + target * size).update(
          from: slot.input.pointer + place * size, count: size)
        slot.labels[target] = slot.labels[place]
        slot.records[target] = slot.records[place]
      }
      target += 1
    }
  }
}
