import AlexNet
import Data
import Images
import Layers
import ModelParallel
import Networks
import Options
import Supervision
import System
import Training

/// Options that several subcommands have in common.
enum SharedOptions {
  static let network = Setting(
    "network", "NAME|FILE", .path, default: NetworkSpecification.presetNames[0],
    "One of the presets, or a JSON description.")
  static let batchSize = Setting(
    "batch-size", "N", .integer(in: SettingBounds.batchSize), default: 128, unit: "images",
    "Images in a batch, over all ranks.")
  static let boundThreads = Option(
    "threads", "N", .integer(in: SettingBounds.threads),
    default: "the cores that the rank is bound to", "Threads of each rank.")
  static let rankThreads = Option(
    "threads", "N", .integer(in: SettingBounds.threads), default: "the cores that the rank may use",
    "Threads of each rank.")
  static let threads = Option(
    "threads", "N", .integer(in: SettingBounds.threads), default: "one for each core",
    "Threads to work with.")
  static let towersPerRank = Option(
    "towers-per-rank", "N", .integer(in: 1...1024), default: "1; all of them for a single rank",
    "Towers of each rank.")
  static let sendActivations = Setting(
    "send-activations", "FORMAT", .word, default: WireFormat.fp32, "fp32, bf16 or fp16.")
  static let sendGradients = Setting(
    "send-gradients", "FORMAT", .word, default: WireFormat.fp32, "fp32, bf16 or fp16.")

  static let dataset = Option(
    "data", "DATASET", .path, "A dataset that 'alexnet prepare' made.")
  static let split = Setting(
    "split", "validation|test|train", .word(of: [Split.validation, .test, .train]),
    default: .validation, "The part of the dataset.")
  static let inputSize = Option(
    "input-size", "PIXELS", .integer(in: 1...4096), default: "7/8 of the pictures' size",
    "Size of a crop.")
  static let augmentation = Setting(
    "recipe", "paper|code2012|none", .word(of: ["paper", "code2012", "none"]), default: "paper",
    "How pictures are augmented.")

  static let checkpoint = Option(
    "checkpoint", "RUN|FILE", .path, "The network: the newest checkpoint of a run, or a file.")
  static let best = Flag(
    "best", "Of a run, take the checkpoint with the lowest validation error, not the newest.")
  static let crops = Setting(
    "crops", "1|10", .word(of: ["1", "10"]), default: "1",
    "The middle of each picture, or the mean over the paper's ten crops.")
  static let resize = Option<Resizing>(
    "resize", "crop|squeeze", .word, default: "as the network's pictures",
    "Scale the shorter side and take the middle, or squeeze both sides to a square.")
  static let smoothing = Setting(
    "smoothing", "STEPS", .number(in: 0...1e6), default: 20,
    "Steps over which training curves are smoothed.")
  static let watchdog = Setting(
    "watchdog", "SECONDS", .limit, default: TimeLimit(seconds: Watchdog.defaultLimit),
    "Under mpirun, end the job and name the rank that gives no sign of life for this long; 0 for "
      + "never."
  )
}

extension Arguments {
  /// The checkpoint that a path stands for with these options.
  func checkpoint(_ path: String) throws(Failure) -> ChosenCheckpoint {
    try ChosenCheckpoint(named: path, takesBest: self[SharedOptions.best])
  }

  /// The crops of a picture to evaluate.
  var crops: Crops { self[SharedOptions.crops] == "10" ? .ten : .centre }

  /// The number formats of messages.
  var formats: WireFormats {
    WireFormats(
      activations: self[SharedOptions.sendActivations],
      gradients: self[SharedOptions.sendGradients])
  }

  /// How pictures are augmented.
  var augmentation: Augmentation {
    switch self[SharedOptions.augmentation] {
    case "code2012": .code2012
    case "none": .none
    default: .paper
    }
  }
}
