import Failures
import Threads

/// The part of a loader that its background thread and its caller share: two batches that take
/// turns, one with the caller while the other is filled.
final class BatchProducer: @unchecked Sendable {
  private let plan: BatchPlan
  private let readers: [RecordReader]
  private let monitor = Monitor()
  // What follows is touched inside `monitor.locked`, except a slot's contents while it is filled or
  // lent.
  private let slots: [BatchSlot]
  private var nextToFill: Int
  private var nextToLend: Int
  // A restart while a batch is filled makes that batch worthless.
  private var generation = 0
  private var failure: Failure?
  private var isEnding = false
  private var waited = 0.0
  private var worked = 0.0
  private var skippedCount = 0
  private var firstSkipped: Failure?

  init(_ plan: BatchPlan, readers: [RecordReader], firstStep: Int) {
    self.plan = plan
    self.readers = readers
    slots = [BatchSlot(plan), BatchSlot(plan)]
    nextToFill = firstStep
    nextToLend = firstStep
  }

  var secondsWaited: Double { monitor.locked { waited } }
  var secondsWorked: Double { monitor.locked { worked } }

  var skipped: (count: Int, first: Failure?) { monitor.locked { (skippedCount, firstSkipped) } }

  func end() {
    monitor.locked {
      isEnding = true
      monitor.wakeAll()
    }
  }

  func restart() {
    monitor.locked {
      generation += 1
      failure = nil
      nextToFill = 0
      nextToLend = 0
      for slot in slots where slot.state != .filling { slot.state = .empty }
      monitor.wakeAll()
    }
  }

  func next() throws(Failure) -> Batch {
    let start = MonotonicClock.seconds
    let outcome: Result<Batch, Failure> = monitor.locked {
      for slot in slots where slot.state == .lent { slot.state = .empty }
      monitor.wakeAll()
      if let count = plan.stepCount, nextToLend >= count {
        return .success(batch(slots[0], count: 0))
      }
      while true {
        if let slot = slots.first(where: { $0.state == .ready && $0.step == nextToLend }) {
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

  private func batch(_ slot: BatchSlot, count: Int) -> Batch {
    Batch(
      input: slot.input, labels: Array(slot.labels[..<count]), count: count,
      globalCount: plan.globalCount(nextToLend), step: nextToLend,
      firstImage: nextToLend * plan.batchSize)
  }

  /// The background thread: fills batches until the end.
  func run() {
    let workers = readers.map { BatchWorker(plan, reader: $0) }
    let team = ThreadTeam(count: workers.count)
    var stream = plan.stream
    while let (slot, step, generation) = nextSlot() {
      let own = plan.ownPositions(step)
      for (place, offset) in own.enumerated() {
        let position = step * plan.batchSize + offset
        let (epoch, index) = stream.place(position)
        slot.places[place] = StreamPlace(position: position, epoch: epoch, index: index)
      }
      let share = SharedBatch(slot: slot, count: own.count)
      team.run { workers[$0].fill(share) }
      finish(slot, share, generation: generation)
    }
  }

  /// Waits until a batch is to be filled; nil at the end.
  private func nextSlot() -> (slot: BatchSlot, step: Int, generation: Int)? {
    monitor.locked {
      while !isEnding {
        let isDone = plan.stepCount.map { nextToFill >= $0 } ?? false
        if !isDone, failure == nil, let slot = slots.first(where: { $0.state == .empty }) {
          slot.state = .filling
          return (slot, nextToFill, generation)
        }
        monitor.wait()
      }
      return nil
    }
  }

  private func finish(_ slot: BatchSlot, _ share: SharedBatch, generation: Int) {
    monitor.locked {
      worked += share.secondsWorked
      guard generation == self.generation else {
        slot.state = .empty
        return
      }
      if let failure = share.failure {
        self.failure = failure
        slot.state = .empty
      } else {
        let (count, first) = share.skippedRecords
        skippedCount += count
        firstSkipped = firstSkipped ?? first
        slot.state = .ready
        slot.step = nextToFill
        slot.count = share.count
        nextToFill += 1
      }
      monitor.wakeAll()
    }
  }
}
