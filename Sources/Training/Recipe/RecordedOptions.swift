package import Layers
package import ModelParallel
import Networks
import Options
import System

/// The options that a run records, in the groups of the help text.
///
/// A new one takes a property of `TrainingSettings` or `Recipe`, optional so that older files can
/// be read, its declaration, and its place in a group. The recipe's name, its schedule and
/// augmentation, the dataset and fine-tuning are several words in one setting; they are read by the
/// program and compared by `TrainingSettings.differences`.
package enum RecordedOptions {
  // MARK: Data and output

  package static let skipCorrupt = RecordedFlag(
    "skip-corrupt", \.skipsCorrupt,
    "Skip and count records that are damaged on the disk, instead of stopping at the first.")

  package static let data: [any RecordedOption] = [skipCorrupt]

  // MARK: Training

  /// What figure 1's network changes in the recipe.
  private static let figure1 = Recipe.named(.paper, preset: "cifar-four-layer").recipe

  package static let epochs = Recorded(
    "epochs", "N", .integer(in: 1...1_000_000), \.recipe.epochs,
    default: "\(Recipe.paper.epochs); code2012: \(Recipe.code2012.epochs)",
    changesResult: false, "Epochs after which training ends.")
  package static let maxSteps = Recorded(
    "max-steps", "N", .integer(in: SettingBounds.maxSteps), \.maxSteps, default: "no limit",
    changesResult: false, "Steps after which training ends.")
  package static let batchSize = Recorded(
    "batch-size", "N", .integer(in: SettingBounds.batchSize), \.recipe.batchSize,
    default: "\(Recipe.paper.batchSize) images", changesResult: true,
    "Images in a batch, over all ranks.")
  package static let learningRate = Recorded(
    "learning-rate", "X", .number(in: SettingBounds.learningRate), \.recipe.learningRate,
    default:
      "\(plain(Recipe.paper.learningRate)); cifar-four-layer: \(plain(figure1.learningRate))",
    changesResult: true,
    "The learning rate of the weights at the start.")
  package static let momentum = Recorded(
    "momentum", "X", .number(in: 0...1), \.recipe.momentum,
    default: plain(Recipe.paper.momentum), changesResult: true,
    "Momentum coefficient.")
  package static let weightDecay = Recorded(
    "weight-decay", "X", .number(in: 0...1e6), \.recipe.weightDecay,
    default: "\(plain(Recipe.paper.weightDecay)); cifar-four-layer: \(plain(figure1.weightDecay))",
    changesResult: true,
    "Weight decay, multiplied by the learning rate.")
  package static let warmUp = Recorded(
    "warm-up", "N", .integer(in: 0...1_000_000_000), \.recipe.warmUp, default: "none",
    changesResult: true, "Steps over which the learning rate grows linearly to its value.")
  package static let clipNorm = Recorded(
    "clip-norm", "X", .number(in: 0...1e12), \.recipe.clipNorm, default: "0: no limit",
    changesResult: true,
    "The largest Euclidean norm of all gradients together; longer ones are shortened to it.")
  package static let accumulate = Recorded(
    "accumulate", "N", .integer(in: SettingBounds.batchSize), \.recipe.accumulate, default: "1",
    changesResult: true,
    "Parts in which a batch passes, one after the other: memory is needed for one of them.")
  package static let labelSmoothing = Recorded(
    "label-smoothing", "X", .number(in: 0...0.9), \.recipe.labelSmoothing, default: "0",
    changesResult: true, "The share of each target that is spread over all classes.")
  package static let balance = Recorded(
    "balance", "NAME", .word, \.recipe.balance, default: "none", changesResult: true,
    "For classes of different sizes: weights (an image's loss by the inverse of its class's share), "
      + "sampling (each class as often as any other) or none.")
  package static let trust = Recorded(
    "trust", "X", .number(in: 1e-9...1e6), \.recipe.trust,
    default: plain(Recipe.usualTrust), changesResult: true,
    "With --optimiser lars: the factor of the layers' rates.")
  package static let baseBatch = Recorded(
    "base-batch", "N", .integer(in: 0...SettingBounds.batchSize.upperBound), \.recipe.baseBatch,
    default: "0: the batch that is used", changesResult: true,
    "The batch that --learning-rate is meant for: the rate grows in proportion to the batch, after "
      + "a warm-up of \(RunPlan.warmUpEpochs) epochs unless --warm-up says otherwise.")
  /// Compared with the rest of the schedule.
  package static let patience = Recorded(
    "patience", "N", .integer(in: 1...1_000_000), \.patience,
    default: "\(Recipe.usualPatience) validations", changesResult: false,
    "With the schedule plateau, the paper's: validations without a better error before the learning "
      + "rate falls.")
  package static let lastPlateau = Recorded(
    "last-plateau", "WORD", .word, \.lastPlateau, standard: .stop, changesResult: false,
    "At a plateau of the smallest learning rate: stop, or continue to the last epoch. With --resume "
      + "and continue, a run that stopped there goes on.")
  package static let seed = Recorded(
    "seed", "N", .integer(in: 0...Int.max), \.seedNumber, standard: 1, changesResult: true,
    "Same seed, same result.")

  package static let training: [any RecordedOption] = [
    epochs, maxSteps, batchSize, learningRate, momentum, weightDecay, patience, lastPlateau, warmUp,
    clipNorm, accumulate, labelSmoothing, balance, trust, baseBatch, seed,
  ]

  // MARK: Validation and checkpoints

  package static let validateEvery = Recorded(
    "validate-every", "N", .integer(in: SettingBounds.interval), \.validateEvery,
    default: "each epoch", changesResult: true, "Steps between validations, each with a checkpoint."
  )
  package static let checkpointEvery = Recorded(
    "checkpoint-every", "N", .integer(in: SettingBounds.interval), \.checkpointEvery, standard: 500,
    unit: "steps", changesResult: false, "Steps between additional checkpoints.")
  package static let keep = Recorded(
    "keep", "N", .integer(in: 1...1_000_000), \.keptCheckpoints, standard: 2, unit: "checkpoints",
    changesResult: false, "How many of the newest checkpoints are kept; the best one is kept too.")
  package static let tensorboard = RecordedFlag(
    "tensorboard", \.tensorboard,
    "Write files for TensorBoard into RUN/tensorboard: curves, conv1's kernels, histograms.")

  package static let checkpoints: [any RecordedOption] = [
    validateEvery, checkpointEvery, keep, tensorboard,
  ]

  // MARK: Stopping and faults

  package static let onDivergence = Recorded(
    "on-divergence", "WORD", .word, \.onDivergence, standard: .stop, changesResult: false,
    "stop, or rollback: go back to the last checkpoint with half the learning rate.")
  package static let maxRollbacks = Recorded(
    "max-rollbacks", "N", .integer(in: 1...1000), \.maxRollbacks,
    default: "\(Safeguards.mostRollbacks)", changesResult: false, "How often a run may go back.")
  package static let onStall = Recorded(
    "on-stall", "WORD", .word, \.onStall, standard: .warn, changesResult: false,
    "A network that does not learn, its loss at chance or a layer dead: warn, or stop with code 79."
  )
  package static let stallSteps = Recorded(
    "stall-steps", "N", .integer(in: 1...Int.max), \.stallSteps,
    default: "\(Safeguards.stallTimes * Chance.patientImages) images a class, at least "
      + "\(Safeguards.stallTimes * Chance.patientSteps) steps", changesResult: false,
    "Steps at chance after which --on-stall stop ends the run.")

  package static let stopping: [any RecordedOption] = [
    onDivergence, maxRollbacks, onStall, stallSteps,
  ]

  // MARK: Machine and ranks

  package static let algorithm = Recorded(
    "algorithm", "NAME", .word, \.algorithm, standard: .automatic, changesResult: true,
    "How convolutions are computed: automatic (Winograd's where it fits) or patches.")
  package static let precision = Recorded(
    "precision", "FORMAT", .word, \.precision, standard: .fp32, changesResult: true,
    "Fully-connected layers' products: fp32, or bf16 (factors of 16 bits, sums of 32), which "
      + "Intel's processors with AMX and AMD's with AVX512_BF16 compute sooner.")
  package static let sendActivations = Recorded(
    "send-activations", "FORMAT", .word, \.wireFormats.activations, standard: .fp32,
    changesResult: true, "Number format of feature maps sent between ranks: fp32, bf16 or fp16.")
  package static let sendGradients = Recorded(
    "send-gradients", "FORMAT", .word, \.wireFormats.gradients, standard: .fp32,
    changesResult: true, "Number format of gradients sent between ranks.")

  package static let machine: [any RecordedOption] = [algorithm, precision]
  package static let ranks: [any RecordedOption] = [sendActivations, sendGradients]

  /// All of them.
  package static let all = [data, training, checkpoints, stopping, machine, ranks].flatMap { $0 }
}
