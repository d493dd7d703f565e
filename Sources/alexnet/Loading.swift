import Data
import Foundation
import Options
import System

/// `alexnet loading`: measures what reading, decoding and augmenting a dataset costs.
enum Loading: Subcommand {
  static let name = "loading"
  static let summary = "measure what loading a dataset costs beside a training step"

  private static let command = Command(
    "alexnet loading",
    overview: """
      Loads batches as training does, waits between them as long as a training step takes, and reports
      the time of a core that a picture costs and the share of a step that is spent waiting for data.
      """,
    synopsis: "--data DATASET [options]",
    groups: [
      (
        "What",
        [
          Option("data", "DATASET", "A dataset that 'alexnet prepare' made."),
          Option("recipe", "paper|code2012|none", default: "paper", "How pictures are augmented."),
          Option("input-size", "PIXELS", default: "7/8 of the pictures' size", "Size of a crop."),
          Option("batch-size", "N", default: "128", "Pictures of a step."),
          Option("steps", "N", default: "20", "Steps to measure, after one to warm up."),
          Option("threads", "N", default: "1", "Threads that load."),
          Option(
            "compute", "MS", default: "0",
            "The time that a rank computes for a picture, in milliseconds; for the shares."),
        ]
      )
    ])

  static func run(_ words: [String]) throws(Failure) {
    let arguments = try command.parse(words)
    if arguments.has("help") { return try StandardStream.output.write(command.helpText) }
    guard let data = arguments.string("data") else {
      throw Failure(.usage, "Give --data DATASET, a dataset that 'alexnet prepare' made.")
    }
    let dataset = try Dataset(opening: data)
    guard dataset.count(.train) > 0 else {
      throw Failure(.badData, "The dataset \(quoted(data)) has no training pictures to load.")
    }
    let batchSize = try arguments.integer("batch-size", in: 1...1 << 16) ?? 128
    let steps = try arguments.integer("steps", in: 1...1 << 20) ?? 20
    let compute = try arguments.number("compute", in: 0...1e6) ?? 0
    let side =
      try arguments.integer("input-size", in: 1...4096) ?? max(1, dataset.side * 7 / 8)
    let loader = try BatchLoader(
      dataset: dataset, split: .train, order: .shuffled,
      augmentation: try Preview.augmentation(arguments), inputSide: side, batchSize: batchSize,
      seed: 1, threads: try arguments.integer("threads", in: 1...1024) ?? 1)
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
    // The loader is up to a batch ahead or behind; over many steps that is nothing.
    let cost = (loader.secondsWorked - before.2) / pictures * 1000
    var text = "\(dataset)\n"
    text += String(
      format: "%.3f ms of a core a picture, %.0f pictures/s, waited %.2f%% of the time",
      cost, pictures / total, 100 * waited / total)
    if compute > 0 {
      text += String(format: ", %.1f%% of the core time of a step", 100 * cost / (cost + compute))
    }
    text += String(
      format: "\nAn epoch's order takes %.3f s for %d records; %.0f MB of memory at most.",
      ordering, dataset.count(.train), Double(Memory.peak) / 1e6)
    try StandardStream.output.show(text + "\n")
  }
}
