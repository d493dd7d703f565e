import AlexNet
import Checkpoints
import Data
import Images
import Layers
import ModelParallel
import Networks
import Options
import Safetensors
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
  static let precision = Setting(
    "precision", "FORMAT", .word, default: Precision.fp32,
    "Numbers that fully-connected layers multiply: fp32, or bf16, which is quicker and rounds them."
  )
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
    "data", "DATASET", .path, default: "what the network was trained on",
    "A dataset that 'alexnet prepare' made.")
  /// What names the dataset where that is the first word now.
  static let formerDataset = Option(
    "data", "DATASET", .path, isHidden: true, "The dataset.")
  static let split = Setting(
    "split", "validation|test|train", .word(of: [Split.validation, .test, .train]),
    default: .validation, "The part of the dataset.")
  static let inputSize = Option(
    "input-size", "PIXELS", .integer(in: 1...4096), default: "7/8 of the pictures' size",
    "Size of a crop.")
  static let augmentation = Setting(
    "recipe", "paper|code2012|none", .word(of: ["paper", "code2012", "none"]), default: "paper",
    "How pictures are augmented.")

  /// What names the network where that is the first word now.
  static let formerCheckpoint = Option(
    "checkpoint", "RUN|FILE", .path, isHidden: true, "The network.")
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

  /// The operands, the first of which an option may name as well.
  func operands(orBy former: Option<String>) -> [String] {
    (self[former].map { [$0] } ?? []) + operands
  }

  /// The dataset that the only operand names, or that the run was trained on which it names.
  func namedDataset() throws(Failure) -> Dataset {
    let names = operands(orBy: SharedOptions.formerDataset)
    guard names.count == 1 else {
      throw Failure(.usage, "Name one dataset that 'alexnet prepare' made, or a run.")
    }
    let run = RunDirectory(names[0])
    return try Dataset(opening: run.holdsRun ? run.savedSettings().dataset : names[0])
  }

  /// The dataset that --data names, or else the one that the networks were trained on.
  /// - Throws: `Failure` (usage) if they do not say one, (inputMissing) if it is not here.
  func dataset(of networks: [NetworkFile]) throws(Failure) -> Dataset {
    if let path = self[SharedOptions.dataset] { return try Dataset(opening: path) }
    let paths = Set(
      networks.map { (try? Checkpoint.describe($0.file))?.settings.dataset ?? "" })
    guard paths.count == 1, let path = paths.first, !path.isEmpty else {
      throw Failure(
        .usage,
        paths.count > 1
          ? "The networks were trained on different datasets; name one with --data DATASET."
          : "\(quoted(networks.first?.file.path ?? "")) does not say what it was trained on; give "
            + "--data DATASET, a dataset that 'alexnet prepare' made.")
    }
    do throws(Failure) { return try Dataset(opening: path) } catch {
      throw Failure(
        error.exitCode, "\(error.message) The network was trained on it; name another with --data.")
    }
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
