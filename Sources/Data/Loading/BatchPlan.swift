import Tensors

/// What to read: which pictures a step's batch is made of, and how each becomes input.
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
  let dice: AugmentationDice
  let kernel: CropKernel
  /// Applied to a picture's pixels, rows of RGB minus the mean, before the batch is handed out.
  let finish: @Sendable (_ pixels: UnsafeMutablePointer<Float>, _ count: Int) -> Void
  private var stream: ImageStream
  private var balanced: BalancedStream?

  init(
    dataset: Dataset, split: Split, order: ImageStream.Order, augmentation: Augmentation,
    inputSide: Int,
    batchSize: Int, positions: Range<Int>, seed: UInt64, skipsDamaged: Bool,
    group: LoadingGroup?, mean: [Float]?,
    finish: @escaping @Sendable (UnsafeMutablePointer<Float>, Int) -> Void
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
    if order == .balanced {
      let labels = (0..<dataset.count(split)).map { dataset.label(split, $0) }
      balanced = BalancedStream(labels: labels, seed: seed)
    }
    dice = AugmentationDice(
      augmentation, side: dataset.side, inputSide: inputSide, colour: dataset.colour, seed: seed)
    kernel = CropKernel(
      mean: mean ?? dataset.mean, side: dataset.side, inputSide: inputSide,
      meanPlace: augmentation.meanPlace)
  }

  /// The number of steps of a sequential pass; nil for an endless stream.
  var stepCount: Int? {
    order != .inOrder ? nil : (dataset.count(split) + batchSize - 1) / batchSize
  }

  /// The number of pictures in the whole batch of a step.
  func globalCount(_ step: Int) -> Int {
    guard order == .inOrder else { return batchSize }
    return max(0, min(batchSize, dataset.count(split) - step * batchSize))
  }

  /// This replica's pictures of a step's batch, by their places in the stream.
  mutating func places(_ step: Int) -> [StreamPlace] {
    positions.clamped(to: 0..<globalCount(step)).map { offset in
      let position = step * batchSize + offset
      if let place = balanced?.place(position) { return place }
      return stream.place(position)
    }
  }
}
