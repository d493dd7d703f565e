import Failures
import Synchronization
import Tensors
import Threads

/// A batch that several threads fill together.
final class SharedBatch: @unchecked Sendable {
  let slot: BatchSlot
  let count: Int
  private let taken = Atomic<Int>(0)
  private let monitor = Monitor()
  private var failures: [(place: Int, failure: Failure)] = []
  private var skipped: [(place: Int, failure: Failure)] = []
  private var seconds = 0.0

  init(slot: BatchSlot, count: Int) {
    self.slot = slot
    self.count = count
  }

  /// The next picture that no thread has taken yet.
  func next() -> Int? {
    let place = taken.wrappingAdd(1, ordering: .relaxed).oldValue
    return place < count ? place : nil
  }

  func fail(_ place: Int, _ failure: Failure) {
    monitor.locked { failures.append((place, failure)) }
  }

  func skip(_ place: Int, _ failure: Failure) {
    monitor.locked { skipped.append((place, failure)) }
  }

  /// How many records were skipped, and what was wrong with the first of the batch.
  var skippedRecords: (count: Int, first: Failure?) {
    monitor.locked { (skipped.count, skipped.min { $0.place < $1.place }?.failure) }
  }

  func add(seconds: Double) { monitor.locked { self.seconds += seconds } }

  var secondsWorked: Double { monitor.locked { seconds } }

  /// The failure of the first picture that has one, whichever thread came upon its own first.
  var failure: Failure? { monitor.locked { failures.min { $0.place < $1.place }?.failure } }
}

/// One thread's share of the work, with the memory that it needs.
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
      let index: Int
      do throws(Failure) {
        index = try decode(place.index, number, batch)
      } catch {
        batch.fail(number, error)
        continue
      }
      guard let decoded = pixels.baseAddress else { continue }
      plan.kernel.apply(
        plan.dice.draw(place), to: UnsafePointer(decoded),
        into: batch.slot.input.pointer + number * size,
        scratch)
      batch.slot.labels[number] = Int32(plan.dataset.label(plan.split, index))
    }
    batch.add(seconds: ThreadClock.seconds - start)
  }

  /// Decodes a record into `pixels`, or the next good one if damaged ones are skipped; returns which.
  private func decode(_ index: Int, _ number: Int, _ batch: SharedBatch) throws(Failure) -> Int {
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
      }
    }
  }
}
