import System

/// The part of a loader that its background thread and its caller share: a double buffer.
///
/// The caller uses one batch while the other is filled.
///
/// A step's batch is in buffer number step modulo 2. In a loading group each process fills its
/// part, and hands the batch out when all parts are ready.
/// batch when all parts are there.
final class BatchProducer: @unchecked Sendable {
  private let plan: BatchPlan
  private let readers: [RecordReader]
  private let board: BatchBoard
  private let firstStep: Int
  private let slots: [BatchSlot]
  // The following is accessed inside `monitor.locked` only, as is a slot's state.
  private var nextToFill: Int
  private var nextToLend: Int
  private var failure: Failure?
  private var isEnding = false
  private var waited = 0.0
  private var worked = 0.0

  init(_ plan: BatchPlan, readers: [RecordReader], firstStep: Int) {
    self.plan = plan
    self.readers = readers
    self.firstStep = firstStep
    board = plan.group?.board ?? BatchBoard()
    slots = (0..<2).map { BatchSlot(plan, number: $0) }
    nextToFill = firstStep
    nextToLend = firstStep
  }

  private var monitor: Monitor { board.monitor }
  private var member: Int { plan.group?.rank ?? 0 }

  var secondsWaited: Double { monitor.locked { waited } }
  var secondsWorked: Double { monitor.locked { worked } }

  func end() {
    monitor.locked {
      isEnding = true
      monitor.wakeAll()
    }
  }

  func next() throws(Failure) -> Batch {
    let start = MonotonicClock.seconds
    let outcome: Result<Batch, Failure> = monitor.locked {
      for slot in slots where slot.state == .lent {
        slot.state = .empty
        board.noteReleased(slot.step, by: member)
      }
      let slot = slots[nextToLend & 1]
      if let count = plan.stepCount, nextToLend >= count { return .success(batch(slot, count: 0)) }
      while true {
        if slot.state == .ready, slot.step == nextToLend, board.isFilled(nextToLend) {
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
      input: slot.input, labels: Array(slot.labels[..<count]),
      records: slot.records[..<count].map { Int($0) }, count: count,
      globalCount: plan.globalCount(nextToLend), step: nextToLend,
      firstImage: nextToLend * plan.batchSize,
      skipped: count == 0 ? (0, nil) : board.skipped(nextToLend))
  }

  /// The background thread: fills batches until it is told to stop.
  func run() {
    let workers = readers.map { BatchWorker(plan, reader: $0) }
    let team = ThreadTeam(count: workers.count)
    var stream = plan.stream
    while let (slot, step) = nextSlot() {
      let all = plan.ownPositions(step)
      for (place, offset) in all.enumerated() {
        let position = step * plan.batchSize + offset
        let (epoch, index) = stream.place(position)
        slot.places[place] = StreamPlace(position: position, epoch: epoch, index: index)
      }
      let own = evenSplit(all.count, part: member, of: plan.group?.size ?? 1)
      let share = SharedBatch(slot: slot, range: own)
      team.run { workers[$0].fill(share) }
      let leftOut = share.closeGaps(inputSide: plan.inputSide)
      finish(slot, share, step: step, count: all.count - leftOut)
    }
  }

  /// Waits until a batch may be filled; nil when loading ends.
  private func nextSlot() -> (slot: BatchSlot, step: Int)? {
    monitor.locked {
      while !isEnding {
        let slot = slots[nextToFill & 1]
        let isDone = plan.stepCount.map { nextToFill >= $0 } ?? false
        if !isDone, failure == nil, slot.state == .empty,
          board.isFree(for: nextToFill, firstStep: firstStep)
        {
          slot.state = .filling
          return (slot, nextToFill)
        }
        monitor.wait()
      }
      return nil
    }
  }

  private func finish(_ slot: BatchSlot, _ share: SharedBatch, step: Int, count: Int) {
    monitor.locked {
      worked += share.secondsWorked
      if let failure = share.failure {
        self.failure = failure
        slot.state = .empty
        monitor.wakeAll()
        return
      }
      (slot.state, slot.step, slot.count) = (.ready, step, count)
      nextToFill += 1
      let (skipped, first) = share.skippedRecords
      board.noteFilled(step, by: member, skipped: skipped, first: first)
    }
  }
}
