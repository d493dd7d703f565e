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
      do throws(Failure) {
        try plan.dataset.decode(plan.split, place.index, with: reader, into: pixels)
      } catch {
        batch.fail(number, error)
        continue
      }
      guard let decoded = pixels.baseAddress else { continue }
      plan.kernel.apply(
        plan.dice.draw(place), to: UnsafePointer(decoded),
        into: batch.slot.input.pointer + number * size,
        scratch)
      batch.slot.labels[number] = Int32(plan.dataset.label(plan.split, place.index))
    }
    batch.add(seconds: ThreadClock.seconds - start)
  }
}
