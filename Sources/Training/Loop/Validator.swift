import Checkpoints
import Data
import Layers
import ModelParallel
import System
import Towers

/// Measures a network on every validation image exactly once, with the centre crop; the last batch
/// may be smaller.
final class Validator {
  private let dataset: Dataset
  private let batchSize: Int
  private let threads: Int
  private let side: Int
  private let damagedRecords: BatchLoader.DamagedRecords
  private let preprocessing: Preprocessing

  /// Makes a validator that reads batches of at most `batchSize` images over all replicas.
  ///
  /// It stops at damaged records or leaves them out.
  init(
    _ dataset: Dataset, _ preprocessing: Preprocessing, side: Int, batchSize: Int, threads: Int,
    damagedRecords: BatchLoader.DamagedRecords
  ) {
    self.preprocessing = preprocessing
    self.dataset = dataset
    self.side = side
    self.batchSize = batchSize
    self.threads = threads
    self.damagedRecords = damagedRecords
  }

  /// The number of validation images.
  var imageCount: Int { dataset.count(.validation) }

  /// Evaluates all of them.
  /// - Parameters:
  ///   - network: The network to measure.
  ///   - goesOn: Called before each batch with the number of images done; returns false to stop.
  /// - Returns: The score, the same on every rank, or nil if it was stopped, and the number of
  ///   damaged images left out.
  /// - Throws: `Failure` if an image cannot be read, `MPIError` if a message fails.
  func score(
    _ network: Network, goesOn: (_ done: Int) throws -> Bool
  ) throws -> (score: ParallelSoftmax.Score?, leftOut: (count: Int, first: Failure?)) {
    let loader = try BatchLoader(
      dataset: dataset, split: .validation, order: .inOrder, augmentation: .none, inputSide: side,
      batchSize: batchSize, positions: network.placement.images(of: batchSize), firstStep: 0,
      seed: 0, threads: threads, damagedRecords: damagedRecords, mean: preprocessing.mean,
      finish: preprocessing.adapt)
    var total = ParallelSoftmax.Score()
    var leftOut: (count: Int, first: Failure?) = (0, nil)
    while true {
      guard try goesOn(total.images) else { return (nil, leftOut) }
      Activity.begin("validation")
      let batch = try loader.next()
      guard batch.globalCount > 0 else { break }
      leftOut = (leftOut.count + batch.skipped.count, leftOut.first ?? batch.skipped.first)
      // Replicas whose images were all left out take part, since the others may wait for them.
      guard batch.count > 0 || network.placement.replicas > 1 else { continue }
      let pass = Pass(images: batch.count, isTraining: false)
      try network.forward(batch.input, pass)
      total += try network.score(batch.labels, pass)
    }
    guard total.images > 0 else {
      throw leftOut.first ?? Failure(.badData, "There are no validation images.")
    }
    return (total, leftOut)
  }
}
