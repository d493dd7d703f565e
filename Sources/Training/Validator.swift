import AlexNet
import Data
import Layers
import ModelParallel

/// Measures a network on every validation image, centre crop, exactly: the last batch is as small as it is.
final class Validator {
  private let dataset: Dataset
  private let batchSize: Int
  private let threads: Int
  private let side: Int

  /// Makes a validator that reads batches of at most `batchSize` images.
  init(_ dataset: Dataset, side: Int, batchSize: Int, threads: Int) {
    self.dataset = dataset
    self.side = side
    self.batchSize = batchSize
    self.threads = threads
  }

  /// The validation images.
  var imageCount: Int { dataset.count(.validation) }

  /// Scores all of them.
  /// - Parameters:
  ///   - network: What is measured.
  ///   - progress: Told after each batch how many images are done.
  /// - Returns: The same score on every rank.
  /// - Throws: `Failure` where an image cannot be read, `MPIError` where a message fails.
  func score(
    _ network: Network, progress: (_ done: Int) throws -> Void
  ) throws -> ParallelSoftmax.Score {
    let loader = try BatchLoader(
      dataset: dataset, split: .validation, order: .inOrder, augmentation: .none, inputSide: side,
      batchSize: batchSize, firstStep: 0, seed: 0, threads: threads)
    var total = ParallelSoftmax.Score()
    while total.images < imageCount {
      let batch = try loader.next()
      let pass = Pass(images: batch.count, isTraining: false)
      try network.forward(batch.input, pass)
      total += try network.softmax.score(network.logits, labels: batch.labels, pass)
      try progress(total.images)
    }
    return total
  }
}
