import Tensors

/// What every batch is made of.
struct BatchPlan: Sendable {
  let dataset: Dataset
  let split: Split
  let order: ImageStream.Order
  let inputSide: Int
  let batchSize: Int
  let positions: Range<Int>
  let skipsDamaged: Bool
  let stream: ImageStream
  let dice: AugmentationDice
  let kernel: CropKernel

  init(
    dataset: Dataset, split: Split, order: ImageStream.Order, augmentation: Augmentation,
    inputSide: Int,
    batchSize: Int, positions: Range<Int>, seed: UInt64, skipsDamaged: Bool = false
  ) {
    self.dataset = dataset
    self.split = split
    self.order = order
    self.inputSide = inputSide
    self.batchSize = batchSize
    self.positions = positions
    self.skipsDamaged = skipsDamaged
    stream = ImageStream(count: dataset.count(split), order: order, seed: seed)
    dice = AugmentationDice(
      augmentation, side: dataset.side, inputSide: inputSide, colour: dataset.colour, seed: seed)
    kernel = CropKernel(
      mean: dataset.mean, side: dataset.side, inputSide: inputSide,
      meanPlace: augmentation.meanPlace)
  }

  /// The number of steps of a pass in order; nil for a stream without end.
  var stepCount: Int? {
    order == .shuffled ? nil : (dataset.count(split) + batchSize - 1) / batchSize
  }

  /// How many pictures the whole batch of a step has.
  func globalCount(_ step: Int) -> Int {
    guard order == .inOrder else { return batchSize }
    return max(0, min(batchSize, dataset.count(split) - step * batchSize))
  }

  /// Which of them are this replica's.
  func ownPositions(_ step: Int) -> Range<Int> { positions.clamped(to: 0..<globalCount(step)) }
}

/// One of the two batches that take turns.
final class BatchSlot {
  enum State { case empty, filling, ready, lent }

  let input: Tensor
  let labels: UnsafeMutableBufferPointer<Int32>
  /// The pictures' places in the stream; the first `count` count.
  let places: UnsafeMutableBufferPointer<StreamPlace>
  var state = State.empty
  var step = 0
  var count = 0

  init(_ plan: BatchPlan) {
    input = Tensor(plan.positions.count, plan.inputSide, plan.inputSide, 3)
    labels = .allocate(capacity: plan.positions.count)
    places = .allocate(capacity: plan.positions.count)
    places.initialize(repeating: StreamPlace())
  }

  deinit {
    labels.deallocate()
    places.deallocate()
  }
}
