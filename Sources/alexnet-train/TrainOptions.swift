import Checkpoints
import Data
import Layers
import ModelParallel
import Networks
import Options
import Supervision
import System
import Towers
import Training

/// Every option of `alexnet-train` that a run does not record: its name, type, default, bounds and
/// help; the others are `RecordedOptions`.
enum TrainOptions {
  // MARK: Data and output

  static let data = Option(
    "data", "DATASET", .path, default: "Fashion-MNIST", "A folder made by 'alexnet prepare'.")
  static let stageData = Option(
    "stage-data", "DIR", .path,
    "Copy the dataset into DIR on each host's own disk, checked and once for all runs, and read it "
      + "there.")
  static let out = Option(
    "out", "RUN", .path, default: "runs/<network>-<date>-<time>",
    "The run's folder: settings, metrics, checkpoints, log.")
  static let resume = Flag(
    "resume", words: ResumeMode.words, hint: "--out RUN names the run",
    "Continue the run in --out from its newest checkpoint, with its own settings; auto: start it if "
      + "there is none; latest-good: skip damaged checkpoints.")
  static let config = Option(
    "config", "FILE", .path,
    "Settings of a run, in its config.json; options and variables of the environment win.")
  static let allowChanged = ListOption(
    "allow-changed", "KEY", .text,
    "A setting that may differ from the one the run was started with: "
      + TrainingSettings.changeable.joined(separator: ", ") + ".")
  static let dryRun = Flag(
    "dry-run", "Show what the ranks will need and send, and the network; train nothing.")
  static let verbose = Flag("verbose", "With --dry-run: show every setting too.")
  static let classes = Option(
    "classes", "N", .integer(in: SettingBounds.classes),
    "With --dry-run: as if the dataset had N classes.")

  // MARK: Network

  static let network = Option(
    "network", "NAME|FILE", .path, default: NetworkSpecification.presetNames[0],
    "\(NetworkSpecification.presetNames.joined(separator: ", ")), or a JSON description.")
  static let variant = ListOption(
    "variant", "NAME", .text,
    "A change to the network: "
      + NetworkVariant.allCases.map { "\($0.words) (\($0.help))" }.joined(separator: ", ")
      + ". May be repeated.")
  static let imageSide = Option(
    "image-side", "PIXELS", .integer(in: 1...8192), default: "the network's",
    "The size of the dataset's pictures ('alexnet prepare --size'). Crops of the network's input "
      + "size are cut out of them: take a size just above that where what matters reaches to the "
      + "pictures' edges.")

  // MARK: Training

  static let recipe = Setting(
    "recipe", "NAME", .word, default: RecipeName.paper,
    "paper (the paper's text) or code2012 (the authors' source code).")
  static let divideRateAt = Option(
    "divide-rate-at", "EPOCHS,...|never",
    Reading<[Double]> { word, option in
      if word == "never" { return [] }
      let words = word.split(separator: ",", omittingEmptySubsequences: false)
      let epochs = words.compactMap { Double($0) }.filter { $0 > 0 && $0.isFinite }
      guard epochs.count == words.count, epochs == epochs.sorted() else {
        throw Failure(
          .usage,
          "--\(option) takes numbers of epochs in rising order, such as 30,60, or never, not "
            + "\(quoted(word)).")
      }
      return epochs
    }, default: "the recipe's",
    "Divide the learning rate by 10 when so many epochs are done, and train all epochs, instead of "
      + "what the recipe says.")
  static let schedule = Option(
    "schedule", "NAME|FILE", .path, default: "the recipe's",
    "How the learning rate falls: plateau (the paper's), step (Caffe's: divided by 10 after each "
      + "2/9 of the epochs), cosine (to 0 at the last epoch), or a file with lines 'EPOCH RATE'.")
  static let optimiser = Setting(
    "optimiser", "NAME", .word(of: ["sgd", "lars"]), default: "sgd",
    "sgd, or lars: each layer's rate in proportion to the norm of its weights over that of their "
      + "gradient, for large batches.")
  static let noAugmentation = Flag(
    "no-augmentation",
    "Centre crops only: no random crops, mirror images or colour noise; the recipe's mean stays.")
  static let augmentation = Option(
    "augmentation", "PARTS",
    Reading<Set<Augmentation.Part>> { word, option in
      let words = word == "none" ? [] : word.split(separator: ",", omittingEmptySubsequences: false)
      let parts = words.compactMap { Augmentation.Part(rawValue: String($0)) }
      guard parts.count == words.count else {
        throw Failure(
          .usage, "--\(option) takes none, or some of crop,mirror,colour, not \(quoted(word)).")
      }
      return Set(parts)
    }, default: "the recipe's; cifar-four-layer: none",
    "Which of the recipe's random crops, mirror images and colour noise there are: some of "
      + "crop,mirror,colour, or none.")
  static let initial = Option(
    "initial", "NAME", Reading<InitialScheme>.word, default: "the network's",
    "Initial values: paper (N(0, 0.01^2), hidden biases 1), code2012 (conv3-5 N(0, 0.03^2)), caffe "
      + "(fc6 and fc7 N(0, 0.005^2), hidden biases 0.1) or he (N(0, 2 / inputs), biases 0; on pixels "
      + "of 0 to 255 it begins with large losses and needs rates of about 1e-5 to 1e-4).")

  // MARK: Finding a learning rate

  static let findRate = Flag(
    "find-rate",
    "Train nothing to keep: test learning rates, which grow from step to step (--max-steps, 100 by "
      + "default), draw the loss and suggest a rate. Takes none of --out, --resume, --dry-run, --timeline, "
      + "--learning-rate, --base-batch, --warm-up, --schedule, --divide-rate-at and --epochs.")
  static let rates = Setting(
    "rates", "A:B",
    Reading(text: { "\(plain($0.lowerBound)):\(plain($0.upperBound))" }) { word, option in
      let ends = word.split(separator: ":", omittingEmptySubsequences: false).map { Double($0) }
      guard ends.count == 2, let first = ends[0], let last = ends[1], first < last,
        SettingBounds.learningRate.contains(first), SettingBounds.learningRate.contains(last)
      else {
        throw Failure(
          .usage, "--\(option) takes two learning rates such as 1e-6:10, not \(quoted(word)).")
      }
      return first...last
    }, default: 1e-6...10, "With --find-rate: the first and the last rate.")
  static let rateChart = Option(
    "chart", "FILE.svg", .path, default: "none", "With --find-rate: draw the curve into a file.")

  // MARK: Fine-tuning

  static let initFrom = Option(
    "init-from", "FILE|RUN", .path,
    "Begin with the weights of a checkpoint or a run, or of a file that 'alexnet import' reads.")
  static let reset = ListOption(
    "reset", "LAYER,...", .text,
    "With --init-from: layers that begin with their initial values, such as fc8 for other classes.")
  static let classMap = Option(
    "class-map", "FILE|by-name", .path, "With --init-from: " + ClassMap.optionHelp)
  static let freeze = ListOption(
    "freeze", "LAYER,...", .text,
    "Layers that do not change; conv stands for conv1, conv2 and so on.")
  static let learningRateScale = ListOption(
    "learning-rate-scale", "LAYER=X,...", .text,
    "Factor for a layer's learning rate, such as conv=0.1.")

  // MARK: Timeline

  static let timeline = Option(
    "timeline", "FILE", .path,
    "Record what every thread and link does as Chrome trace events, for Perfetto; .gz compresses.")
  static let timelineSteps = Setting(
    "timeline-steps", "A:B",
    Reading(text: { "\($0.lowerBound):\($0.upperBound)" }) { word, option in
      let ends = word.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
      guard ends.count == 2, let first = ends[0], let last = ends[1], first >= 1, first <= last
      else {
        throw Failure(
          .usage, "--\(option) takes two steps such as 10:20, not \(quoted(word)).")
      }
      return first...last
    }, default: 10...20,
    "With --timeline: the first and the last step to record; the default means those after the run's "
      + "start, as far as there are any.")

  // MARK: Stopping and faults

  static let maxTime = Option(
    "max-time", "TIME", .time, default: "no limit",
    "Save and exit with code 75 before this much time has passed (90s, 30m, 23h, 23:30:00).")
  static let watchdog = Setting(
    "watchdog", "SECONDS", .limit, default: TimeLimit(seconds: Watchdog.defaultLimit),
    "End the job and name the late rank after this long without progress; 0 for never.")
  static let grace = Option(
    "grace", "SECONDS", .integer(in: 0...86_400), default: "mpirun's 1 s, srun's 30 s",
    "Time from SIGTERM to SIGKILL: the ranks write a last checkpoint if it takes less.")
  static let inject = ListOption(
    "inject", "FAULT", Reading { word, _ in try Fault(word) }, isHidden: true,
    "A fault, for tests.")

  // MARK: Machine

  static let threads = Option(
    "threads", "N", .integer(in: SettingBounds.threads),
    default: "the cores that the rank is bound to, or its share",
    "Threads of each rank, shared by its towers.")
  static let instructionSet = Setting(
    "instruction-set", "NAME", .word, default: InstructionSet.own,
    "The instructions that all ranks compute with, OpenBLAS included: own (the best of each "
      + "processor), common (the best that all of them have), or a named one. Equal ones give equal "
      + "bits on processors of different kinds.")

  // MARK: Ranks

  static let towersPerRank = Option(
    "towers-per-rank", "N", .integer(in: 1...1024), default: "1; all of them for a single rank",
    "Towers of each rank; with all towers of the network, each rank is a whole replica.")
  static let parallelFC = Setting(
    "parallel-fc", "NAME", .parallelFC, default: nil,
    "How several replicas compute the fully-connected layers: data (each replica for its images), "
      + "model (each rank some neurons for the whole batch), groups=N (in N groups of ranks, each "
      + "rank some neurons for the group's images), or automatic (the one that sends the fewest "
      + "bytes).")
  static let checkReplicas = Setting(
    "check-replicas", "N", .integer(in: 1...Int.max), default: 100, unit: "steps",
    "Steps between comparisons of the replicas' weights, in addition to those at checkpoints.")

  /// The command line.
  static let command = Command(
    "alexnet-train",
    overview: """
      Trains the two-tower network of Krizhevsky, Sutskever and Hinton (2012): each of two ranks
      computes one tower. Without --data it trains the demonstration: Fashion-MNIST (Debian package
      dataset-fashion-mnist), for \(Demonstration.steps) steps, the learning rate divided by ten
      after four fifths of them.

      What is not given as an option is taken from the environment (ALEXNET_TRAIN_BATCH_SIZE=64
      stands for --batch-size 64, and so on; 1 and 0 for options without a value), then from the
      file of --config or from the run that --resume continues.
      """,
    synopsis: "[options]      (usually: mpirun -np 2 alexnet-train [options])", isProgram: true,
    groups: [
      (
        "Data and output",
        all(
          [data, stageData, out], RecordedOptions.data,
          [config, resume, allowChanged, dryRun, verbose, classes])
      ),
      ("Network", [network, variant, imageSide]),
      (
        "Training",
        all(
          [recipe], RecordedOptions.training,
          [schedule, divideRateAt, optimiser, initial, noAugmentation, augmentation])
      ),
      ("Finding a learning rate", [findRate, rates, rateChart]),
      ("Fine-tuning", [initFrom, reset, classMap, freeze, learningRateScale]),
      ("Validation and checkpoints", RecordedOptions.checkpoints),
      ("Timeline", [timeline, timelineSteps]),
      (
        "Stopping and faults", all([maxTime, watchdog], RecordedOptions.stopping, [grace, inject])
      ),
      ("Machine", all([threads], RecordedOptions.machine, [instructionSet])),
      ("Ranks", all([towersPerRank, parallelFC], RecordedOptions.ranks, [checkReplicas])),
    ])

  /// The options of a group: those that a run records, and others.
  private static func all(_ options: [any AnyOption]...) -> [any AnyOption] {
    options.flatMap { $0 }
  }
}

/// The modes of `--resume`.
enum ResumeMode: String {
  /// Resume a run that must exist.
  case newest = ""
  /// Resume a run, or start it if there is none.
  case auto
  /// Resume from the newest undamaged checkpoint.
  case latestGood = "latest-good"

  /// The words that may follow `--resume`.
  static let words = [auto.rawValue, latestGood.rawValue]

  /// The mode that the user chose; nil to start a new run.
  init?(_ arguments: Arguments) {
    guard let word = arguments.word(TrainOptions.resume) else { return nil }
    self.init(rawValue: word)
  }
}
