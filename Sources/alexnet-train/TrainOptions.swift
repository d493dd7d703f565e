import Checkpoints
import Networks
import Options
import Towers
import Training

extension TrainCommand {
  /// Every option of `alexnet-train`.
  static let options = Command(
    "alexnet-train",
    overview: """
      Trains the two-tower network of Krizhevsky, Sutskever and Hinton (2012): each of two ranks is a tower.
      Without --data it trains the demonstration: Fashion-MNIST (Debian package dataset-fashion-mnist), for
      \(Demonstration.steps) steps, the learning rate divided by ten after four fifths of them.
      """,
    synopsis: "[options]      (usually: mpirun -np 2 alexnet-train [options])",
    groups: [
      (
        "Data and output",
        [
          Option(
            "data", "DATASET", default: "Fashion-MNIST", "A folder made by 'alexnet prepare'."),
          Option(
            "out", "RUN", default: "runs/<network>-<date>-<time>",
            "The run's folder: settings, metrics, checkpoints, log."),
          .flag(
            "skip-corrupt",
            "Pass over records that are damaged on the disk and count them, instead of stopping at the first."
          ),
          .flag(
            "resume", words: ["auto", "latest-good"],
            "Go on with the run in --out from its newest checkpoint; auto: or start it if it is not there; "
              + "latest-good: pass over checkpoints that are damaged."),
          Option(
            "allow-changed", "KEY", repeats: true,
            "A setting that may differ from the run that goes on: "
              + TrainingSettings.changeable.joined(separator: ", ") + "."),
          .flag(
            "dry-run",
            "Show the network, its memory, its exchanges and the settings; train nothing."),
          Option("classes", "N", "With --dry-run: as if the dataset had N classes."),
        ]
      ),
      (
        "Network",
        [
          Option(
            "network", "NAME|FILE", default: "alexnet",
            "\(NetworkSpecification.presetNames.joined(separator: ", ")), or a JSON description."),
          Option(
            "variant", "NAME", repeats: true,
            "A change to the network: "
              + NetworkVariant.allCases.map { "\($0.words) (\($0.help))" }.joined(
                separator: ", ")
              + ". May be repeated."),
        ]
      ),
      (
        "Training",
        [
          Option(
            "recipe", "NAME", default: "paper",
            "paper (the paper's text) or code2012 (the authors' source code)."),
          Option("epochs", "N", default: "90; code2012: 91", "Epochs after which training ends."),
          Option("max-steps", "N", default: "no limit", "Steps after which training ends."),
          Option("batch-size", "N", default: "128 images", "Images in a batch, over all ranks."),
          Option(
            "learning-rate", "X", default: "0.01; cifar-four-layer: 0.001",
            "The learning rate of the weights at the start."),
          Option("momentum", "X", default: "0.9", "Momentum coefficient."),
          Option(
            "weight-decay", "X", default: "0.0005; cifar-four-layer: 0",
            "The weights' decay, times the learning rate."),
          Option(
            "patience", "N", default: "5 validations",
            "Validations without a better error before the learning rate falls (recipe paper)."),
          Option("seed", "N", default: "1", "Same seed, same result."),
          .flag(
            "no-augmentation",
            "Centre crops only: no random crop, mirror image or colour noise; the mean stays the recipe's."
          ),
          .flag(
            "augmentation",
            "The recipe's crops, mirror images and colour noise, for cifar-four-layer, which has none by itself."
          ),
        ]
      ),
      (
        "Fine-tuning",
        [
          Option(
            "init-from", "FILE|RUN",
            "Begin with the weights of a checkpoint or a run, or of a file that 'alexnet import' reads."
          ),
          Option(
            "reset", "LAYER,...", repeats: true,
            "With --init-from: layers that begin with their initial values, fc8 for other classes."),
          Option("class-map", "FILE|by-name", "With --init-from: " + ClassMap.optionHelp),
          Option(
            "freeze", "LAYER,...", repeats: true,
            "Layers that do not change; conv stands for conv1, conv2 and so on."),
          Option(
            "learning-rate-scale", "LAYER=X,...", repeats: true,
            "What the learning rate of a layer is multiplied by, conv=0.1."),
        ]
      ),
      (
        "Validation and checkpoints",
        [
          Option(
            "validate-every", "N", default: "each epoch",
            "Steps between validations, which also save."),
          Option(
            "checkpoint-every", "N", default: "500 steps", "Steps between further checkpoints."),
          Option(
            "keep", "N", default: "2 checkpoints", "How many of the newest checkpoints are kept."),
          .flag(
            "tensorboard",
            "Write files for TensorBoard into RUN/tensorboard: curves, conv1's kernels, histograms."
          ),
        ]
      ),
      ("Stopping and faults", safeguardOptions),
      (
        "Machine",
        [
          Option(
            "threads", "N", default: "the cores that the rank is bound to, or its share",
            "Threads of each rank, shared by its towers."),
          Option(
            "algorithm", "NAME", default: "automatic",
            "How convolutions are computed: automatic (Winograd's where it fits) or patches."),
        ]
      ),
      (
        "Ranks",
        [
          Option(
            "towers-per-rank", "N", default: "1; all of them for a single rank",
            "Towers of each rank: as many as the network has makes each rank a whole replica."),
          Option(
            "parallel-fc", "NAME", default: "automatic",
            "With several replicas, fully-connected layers by data (each replica its images), by model (all "
              + "ranks the whole batch, each some neurons), by groups=N (each of N groups of ranks the images of its "
              + "replicas, each rank some neurons), or automatic: what sends the fewest bytes."),
          Option(
            "send-activations", "FORMAT", default: "fp32",
            "What feature maps travel in between ranks: fp32, bf16 or fp16."),
          Option("send-gradients", "FORMAT", default: "fp32", "What gradients travel in."),
          Option(
            "check-replicas", "N", default: "100 steps",
            "Steps between comparisons of the replicas' weights, besides those at checkpoints."),
        ]
      ),
    ])
}
