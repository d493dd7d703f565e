import Synchronization
import System
import Tensors

/// The part of a batch that this process fills with several threads.
final class SharedBatch: @unchecked Sendable {
  let slot: BatchSlot
  /// The positions in the batch.
  private let range: Range<Int>
  private let taken: Atomic<Int>
  private let monitor = Monitor()
  private var failures: [(place: Int, failure: Failure)] = []
  private var skipped: [(place: Int, failure: Failure)] = []
  private var gaps: [Int] = []
  private var seconds = 0.0

  init(slot: BatchSlot, range: Range<Int>) {
    self.slot = slot
    self.range = range
    taken = Atomic(range.lowerBound)
  }

  /// The next picture that no thread has taken yet.
  func next() -> Int? {
    let place = taken.wrappingAdd(1, ordering: .relaxed).oldValue
    return place < range.upperBound ? place : nil
  }

  func fail(_ place: Int, _ failure: Failure) {
    monitor.locked { failures.append((place, failure)) }
  }

  func skip(_ place: Int, _ failure: Failure) {
    monitor.locked { skipped.append((place, failure)) }
  }

  /// Marks a position that stays empty.
  func leaveOut(_ place: Int) { monitor.locked { gaps.append(place) } }

  /// How many records were skipped, and the failure of the first one in the batch.
  var skippedRecords: (count: Int, first: Failure?) {
    monitor.locked { (skipped.count, skipped.min { $0.place < $1.place }?.failure) }
  }

  func add(seconds: Double) { monitor.locked { self.seconds += seconds } }

  var secondsWorked: Double { monitor.locked { seconds } }

  /// The failure of the first picture in the batch that has one, whichever thread failed first.
  var failure: Failure? { monitor.locked { failures.min { $0.place < $1.place }?.failure } }

  /// Moves pictures forward over the empty positions, and returns how many empty positions there
  /// are.
  func closeGaps(inputSide: Int) -> Int {
    guard !gaps.isEmpty else { return 0 }
    let size = inputSide * inputSide * 3
    let missing = Set(gaps)
    var target = range.lowerBound
    for place in range where !missing.contains(place) {
      if place != target {
        (slot.input.pointer + target * size).update(
          from: slot.input.pointer + place * size, count: size)
        slot.labels[target] = slot.labels[place]
        slot.records[target] = slot.records[place]
      }
      target += 1
    }
    return missing.count
  }
}

/// One thread's work and its buffers.
final class BatchWorker: @unchecked Sendable {
  private let plan: BatchPlan
  private let reader: RecordReader
  private let pixels: UnsafeMutableBufferPointer<UInt8>
  private let scratch: CropKernel.Scratch

  init(_ plan: BatchPlan, reader: RecordReader) {
    self.plan = plan
    self.reader = reader
    pixels = .allocate(capacity: plan.dataset.side * plan.dataset.side * 3)
    scratch = CropKernel.Scratch(inputSide: plan.inputSide)
  }

  deinit {
    pixels.deallocate()
    scratch.deallocate()
  }

  func fill(_ batch: SharedBatch) {
    let start = ThreadClock.seconds
    let size = plan.inputSide * plan.inputSide * 3
    while let number = batch.next() {
      let place = batch.slot.places[number]
      let found: Int?
      do throws(Failure) {
        found = try decode(place.index, number, batch)
      } catch {
        batch.fail(number, error)
        continue
      }
      guard let index = found, let decoded = pixels.baseAddress else {
        batch.leaveOut(number)
        continue
      }
      let output = batch.slot.input.pointer + number * size
      plan.kernel.apply(
        plan.dice.draw(place), to: UnsafePointer(decoded), into: output, scratch)
      plan.finish(output, plan.inputSide * plan.inputSide)
      batch.slot.labels[number] = Int32(plan.dataset.label(plan.split, index))
      batch.slot.records[number] = Int64(index)
    }
    batch.add(seconds: ThreadClock.seconds - start)
  }

  /// Decodes a record into `pixels` and returns its number.
  ///
  /// If damaged records are skipped: the next good one instead, or in a sequential pass nil, so
  /// that no record occurs twice.
  private func decode(_ index: Int, _ number: Int, _ batch: SharedBatch) throws(Failure) -> Int? {
    let count = plan.dataset.count(plan.split)
    var tried = 0
    while true {
      let candidate = (index + tried) % count
      do throws(Failure) {
        try plan.dataset.decode(plan.split, candidate, with: reader, into: pixels)
        return candidate
      } catch {
        tried += 1
        guard plan.skipsDamaged, error.exitCode == .badData, tried < count else { throw error }
        batch.skip(number, error)
        if plan.order == .inOrder { return nil }
      }
    }
  }
}
