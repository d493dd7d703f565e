import Tensors

/// The settings that determine every batch.
struct BatchPlan: Sendable {
  let dataset: Dataset
  let split: Split
  let order: ImageStream.Order
  let inputSide: Int
  let batchSize: Int
  let positions: Range<Int>
  let skipsDamaged: Bool
  /// The processes that load together; nil for one process alone.
  let group: LoadingGroup?
  let stream: ImageStream
  let dice: AugmentationDice
  let kernel: CropKernel
  /// Applied to a picture's pixels, rows of RGB minus the mean, before the batch is handed out.
  let finish: @Sendable (_ pixels: UnsafeMutablePointer<Float>, _ count: Int) -> Void

  init(
    dataset: Dataset, split: Split, order: ImageStream.Order, augmentation: Augmentation,
    inputSide: Int,
    batchSize: Int, positions: Range<Int>, seed: UInt64, skipsDamaged: Bool = false,
    group: LoadingGroup? = nil, mean: [Float]? = nil,
    finish: @escaping @Sendable (UnsafeMutablePointer<Float>, Int) -> Void = { _, _ in }
  ) {
    self.dataset = dataset
    self.split = split
    self.order = order
    self.inputSide = inputSide
    self.batchSize = batchSize
    self.positions = positions
    self.skipsDamaged = skipsDamaged
    self.group = group
    self.finish = finish
    stream = ImageStream(count: dataset.count(split), order: order, seed: seed)
    dice = AugmentationDice(
      augmentation, side: dataset.side, inputSide: inputSide, colour: dataset.colour, seed: seed)
    kernel = CropKernel(
      mean: mean ?? dataset.mean, side: dataset.side, inputSide: inputSide,
      meanPlace: augmentation.meanPlace)
  }

  /// The number of steps of a sequential pass; nil for an endless stream.
  var stepCount: Int? {
    order == .shuffled ? nil : (dataset.count(split) + batchSize - 1) / batchSize
  }

  /// The number of pictures in the whole batch of a step.
  func globalCount(_ step: Int) -> Int {
    guard order == .inOrder else { return batchSize }
    return max(0, min(batchSize, dataset.count(split) - step * batchSize))
  }

  /// The positions in it that belong to this replica.
  func ownPositions(_ step: Int) -> Range<Int> { positions.clamped(to: 0..<globalCount(step)) }
}

/// One of the two buffers for batches.
final class BatchSlot {
  enum State { case empty, filling, ready, lent }

  let input: Tensor
  let labels: UnsafeMutableBufferPointer<Int32>
  /// Each picture's record number in the split.
  let records: UnsafeMutableBufferPointer<Int64>
  /// The pictures' stream positions; the first `count` are valid.
  let places: UnsafeMutableBufferPointer<StreamPlace>
  var state = State.empty
  var step = 0
  var count = 0
  private let notes: UnsafeMutableRawPointer?

  /// Bytes of a batch and the notes about its pictures, rounded up to whole pages.
  static func byteCount(images: Int, inputSide: Int) -> Int {
    (images * (inputSide * inputSide * 3 * 4 + noteBytes) + 4095) / 4096 * 4096
  }

  private static let noteBytes = MemoryLayout<Int64>.stride + MemoryLayout<Int32>.stride

  init(_ plan: BatchPlan, number: Int) {
    let (images, side) = (plan.positions.count, plan.inputSide)
    let memory: UnsafeMutableRawPointer
    if let group = plan.group {
      let start =
        group.slots + number * Self.byteCount(images: images, inputSide: side)
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
    places = .allocate(capacity: images)
    places.initialize(repeating: StreamPlace())
  }

  deinit {
    notes?.deallocate()
    places.deallocate()
  }
}
