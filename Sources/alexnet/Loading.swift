import Data
import Foundation
import Options
import System
import Training

/// `alexnet loading`: measures the cost of reading, decoding and augmenting a dataset.
enum Loading: Subcommand {
  static let name = "loading"
  static let summary = "measure how long loading a dataset takes, compared with a training step"

  private static let batchSize = Setting(
    "batch-size", "N", .integer(in: SettingBounds.batchSize), default: 128, "Pictures of a step.")
  private static let steps = Setting(
    "steps", "N", .integer(in: 1...1 << 20), default: 20, "Steps to measure, after one to warm up.")
  private static let threads = Setting(
    "threads", "N", .integer(in: SettingBounds.threads), default: 1, "Threads that load.")
  private static let compute = Setting(
    "compute", "MS", .number(in: 0...1e6), default: 0,
    "Compute time of a rank per picture, in milliseconds, to compare with.")

  static let command = Command(
    "alexnet loading",
    overview: """
      Loads batches as training does, waits between them as long as a training step takes, and
      reports the core time per picture and the share of a step spent waiting for data.
      """,
    synopsis: "DATASET|RUN [options]", takesOperands: true,
    groups: [
      (
        "What",
        [
          SharedOptions.formerDataset, SharedOptions.augmentation, SharedOptions.inputSize,
          batchSize,
          steps, threads, compute,
        ]
      )
    ])

  static func run(_ words: [String]) throws(Failure) {
    let arguments = try command.parse(words)
    let dataset = try arguments.namedDataset()
    guard dataset.count(.train) > 0 else {
      throw Failure(
        .badData, "The dataset \(quoted(dataset.path)) has no training pictures to load.")
    }
    let batchSize = arguments[Self.batchSize]
    let steps = arguments[Self.steps]
    let compute = arguments[Self.compute]
    let side = arguments[SharedOptions.inputSize] ?? max(1, dataset.side * 7 / 8)
    // A batch that is read and one that is filled, in single precision.
    try Memory.require(2 * batchSize * side * side * 3 * 4)
    let loader = try BatchLoader(
      dataset: dataset, split: .train, order: .shuffled,
      augmentation: arguments.augmentation, inputSide: side, batchSize: batchSize,
      seed: 1, threads: arguments[threads])
    let start = MonotonicClock.seconds
    var stream = ImageStream(count: dataset.count(.train), order: .shuffled, seed: 1)
    _ = stream.place(0)
    let ordering = MonotonicClock.seconds - start
    _ = try loader.next()
    let before = (MonotonicClock.seconds, loader.secondsWaited, loader.secondsWorked)
    for _ in 0..<steps {
      usleep(UInt32(clamping: Int(compute * 1000 * Double(batchSize))))
      _ = try loader.next()
    }
    let total = MonotonicClock.seconds - before.0
    let waited = loader.secondsWaited - before.1
    let pictures = Double(steps * batchSize)
    // The loader may be up to a batch ahead or behind; over many steps that does not matter.
    let cost = (loader.secondsWorked - before.2) / pictures * 1000
    var text = "\(dataset)\n"
    text += String(
      format: "%.3f ms of core time per picture, %.0f pictures/s, waited %.2f%% of the time",
      cost, pictures / total, 100 * waited / total)
    if compute > 0 {
      text += String(format: ", %.1f%% of the core time of a step", 100 * cost / (cost + compute))
    }
    text += String(
      format: "\nShuffling an epoch takes %.3f s for %d records; %.0f MB of memory at most.",
      ordering, dataset.count(.train), Double(Memory.peak) / 1e6)
    try StandardStream.output.show(text + "\n")
  }
}
