import Glibc
package import System

/// Prefetches batches: background threads read, decode and augment the next batch while the network
/// works on the current one.
///
/// A batch depends only on the dataset, the augmentation, the seed and the step, never on the
/// number of threads. A loader that starts at step n gives the same batches as any other from step
/// n on.
/// Use from one thread at a time.
package final class BatchLoader {
  /// What to do with a record that is damaged on disk.
  package enum DamagedRecords: Sendable {
    /// Stop the run and name the shard and the record.
    case stop
    /// Count it.
    ///
    /// In a shuffled stream, the next record of the split replaces it, so that batches stay full;
    /// in a sequential pass it is left out, so that no record occurs twice.
    ///
    /// All ranks that see the same files do the same; `Batch.fingerprint` shows whether they do.
    case skip
  }

  private let buffer: BatchBuffer
  private let thread: SystemThread

  /// Starts loading.
  /// - Parameters:
  ///   - dataset: The pictures.
  ///   - split: The part of it.
  ///   - order: Shuffled without end, or one sequential pass.
  ///   - augmentation: How a picture becomes input.
  ///   - inputSide: The width and height of the network's input in pixels.
  ///   - batchSize: The pictures of a step over all replicas.
  ///   - positions: This replica's slice of each batch; nil means all of it.
  ///   - firstStep: The step to start with, to resume a run.
  ///   - seed: The seed for order, crops, mirroring and colours.
  ///   - threads: The number of decoding threads.
  ///   - damagedRecords: What to do with a record whose checksum or picture is wrong.
  ///   - mean: The mean image to subtract; nil for the dataset's.
  ///   - finish: A function applied to each picture's pixels, rows of RGB minus the mean, in a
  ///     thread of the loader.
  ///   - group: The processes that load these batches together, all with the same arguments; nil
  ///     for one process alone.
  /// - Throws: `Failure`: usage for sizes that do not fit, bad data for an empty split.
  package init(
    dataset: Dataset, split: Split, order: ImageStream.Order, augmentation: Augmentation,
    inputSide: Int,
    batchSize: Int, positions: Range<Int>? = nil, firstStep: Int = 0, seed: UInt64, threads: Int,
    damagedRecords: DamagedRecords = .stop, mean: [Float]? = nil,
    finish: @escaping @Sendable (UnsafeMutablePointer<Float>, Int) -> Void = { _, _ in },
    group: LoadingGroup? = nil
  ) throws(Failure) {
    guard inputSide >= 1, inputSide <= dataset.side else {
      throw Failure(
        .usage,
        "The network's input of \(inputSide)x\(inputSide) pixels does not fit into the pictures of "
          + "\(quoted(dataset.path)), which have \(dataset.side)x\(dataset.side); prepare the "
          + "dataset again with --size \(inputSide) or more.")
    }
    let positions = positions ?? 0..<max(batchSize, 0)
    func require(_ condition: Bool, _ sentence: String) throws(Failure) {
      if !condition { throw Failure(.usage, sentence) }
    }
    try require(batchSize > 0, "Batch size must be positive, not \(batchSize).")
    try require(threads > 0, "The number of threads must be positive, not \(threads).")
    try require(firstStep >= 0, "The first step must not be negative: \(firstStep).")
    try require(
      positions.lowerBound >= 0 && positions.upperBound <= batchSize,
      "Pictures \(positions.lowerBound) to \(positions.upperBound - 1) must all be in a batch of "
        + "\(batchSize)."
    )
    precondition(augmentation.cropChunk > 0, "The number of crops in a chunk must be positive.")
    precondition(
      group == nil || order != .inOrder, "Ranks can share batches only in shuffled order.")
    guard mean.map({ $0.count == dataset.mean.count }) ?? true else {
      throw Failure(
        .usage,
        "The network's mean image must have \(dataset.side)x\(dataset.side) pixels, as the "
          + "pictures of \(quoted(dataset.path)) do.")
    }
    guard dataset.count(split) > 0 else {
      throw Failure(
        .badData, "The dataset \(quoted(dataset.path)) has no \(split.rawValue) pictures.")
    }
    let plan = BatchPlan(
      dataset: dataset, split: split, order: order, augmentation: augmentation,
      inputSide: inputSide, batchSize: batchSize, positions: positions, seed: seed,
      skipsDamaged: damagedRecords == .skip, group: group, mean: mean, finish: finish)
    let readers = try (0..<threads).map { (_) throws(Failure) in try RecordReader() }
    let reader = BatchReader(plan, readers)
    buffer = BatchBuffer(plan, firstStep: firstStep)
    let work: @Sendable () -> Void = { [buffer] in Self.fill(buffer, by: reader, plan) }
    guard let thread = SystemThread(ifPossible: work) else {
      throw .system(.inputOutput, "Cannot start a thread to load pictures", errno: EAGAIN)
    }
    self.thread = thread
  }

  deinit {
    buffer.end()
    thread.join()
  }

  /// The background thread: fills batches until the end.
  private static func fill(_ buffer: BatchBuffer, by reader: BatchReader, _ plan: BatchPlan) {
    var plan = plan
    while let (slot, step) = buffer.nextSlot() {
      let places = plan.places(step)
      let outcome = Timeline.span("read a batch", .load) {
        reader.fill(buffer.ownPart(of: places.count), of: slot, places)
      }
      buffer.note(outcome, of: slot, step: step, count: places.count)
    }
  }

  /// Waits for the next step's batch; the previous one becomes invalid.
  ///
  /// After the end of a sequential pass it returns batches without pictures.
  /// - Throws: `Failure` (input/output, bad data) if a record cannot be read, with its shard and
  ///   number.
  package func next() throws(Failure) -> Batch { try buffer.next() }

  /// How long `next` has waited so far, in seconds.
  package var secondsWaited: Double { buffer.secondsWaited }

  /// The core time used for reading, decoding and augmenting so far, in seconds.
  package var secondsWorked: Double { buffer.secondsWorked }
}
