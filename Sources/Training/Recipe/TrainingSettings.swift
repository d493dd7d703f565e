import Data
import Foundation
import JSON
package import Layers
package import ModelParallel
package import Networks
package import System

/// Every setting of a run, as stored in config.json and in checkpoints.
package struct TrainingSettings: Codable, Equatable, Sendable {
  /// The network.
  package var network: NetworkSpecification
  /// How it is trained.
  package var recipe: Recipe
  /// The prepared dataset's folder.
  package var dataset: String
  /// The checksum of the dataset's description.
  package var datasetChecksum: String
  /// The pretrained weights of the run, and the learning rates of its layers; nil if not specified.
  package var fineTuning: FineTuning?
  /// The seed for initial weights, dropout, crops and the order of the images.
  package var seed: UInt64
  /// The number of steps after which training ends, whatever the epochs; nil for no limit.
  package var maxSteps: Int?
  /// The number of steps between validations; nil for one at the end of each epoch.
  package var validateEvery: Int?
  /// The number of steps between checkpoints, in addition to those at validations and at the end;
  /// nil for none.
  package var checkpointEvery: Int?
  /// How many of the newest checkpoints to keep.
  package var keptCheckpoints: Int
  /// Whether damaged records are left out and counted; a run that meets one stops otherwise, and
  /// where this is nil.
  package var skipsCorrupt: Bool?
  /// The algorithm for convolutions.
  package var algorithm: ConvolutionChoice
  /// The number of threads in each tower: results are equal to the last bit for equal numbers.
  package var threadsPerTower: Int
  /// The number format of messages between ranks; nil for fp32.
  package var formats: WireFormats?
  /// The version of config.json and metrics.jsonl.
  package private(set) var formatVersion = Self.currentVersion

  /// The version that this program reads and writes.
  package static let currentVersion = 2

  package init(
    network: NetworkSpecification, recipe: Recipe, dataset: String, datasetChecksum: String,
    fineTuning: FineTuning? = nil, seed: UInt64, maxSteps: Int?, validateEvery: Int?,
    checkpointEvery: Int?, keptCheckpoints: Int, skipsCorrupt: Bool = false,
    algorithm: ConvolutionChoice, threadsPerTower: Int, formats: WireFormats? = nil
  ) {
    self.network = network
    self.recipe = recipe
    self.dataset = dataset
    self.datasetChecksum = datasetChecksum
    self.fineTuning = fineTuning
    self.seed = seed
    self.maxSteps = maxSteps
    self.validateEvery = validateEvery
    self.checkpointEvery = checkpointEvery
    self.keptCheckpoints = keptCheckpoints
    self.skipsCorrupt = skipsCorrupt
    self.algorithm = algorithm
    self.threadsPerTower = threadsPerTower
    self.formats = formats
  }

  private struct Version: Decodable { let formatVersion: Int? }

  /// Reads the contents of config.json.
  /// - Parameters:
  ///   - text: The file's text.
  ///   - path: The file, for messages.
  /// - Throws: `Failure` (badData) if it is invalid, a number is out of bounds, or it was written
  ///   by a newer program.
  package init(_ text: String, from path: String) throws(Failure) {
    let version = try JSONText.decode(Version.self, text, from: path).formatVersion ?? 0
    guard version <= Self.currentVersion else {
      throw Failure(
        .badData,
        "\(quoted(path)) has format version \(version); this program reads versions up to "
          + "\(Self.currentVersion), so use the newer program that wrote it.")
    }
    guard version == Self.currentVersion else {
      throw Failure(
        .badData,
        "\(quoted(path)) was written before config.json had format version \(Self.currentVersion), "
          + "which this program reads; start the run again.")
    }
    self = try JSONText.decode(Self.self, text, from: path)
    try validate(from: path)
  }

  /// What happens with a record that is damaged on the disk.
  var damagedRecords: BatchLoader.DamagedRecords { skipsCorrupt == true ? .skip : .stop }

  /// The settings as JSON with sorted keys.
  package var json: String { JSONText.encode(self) }

  /// A setting that differs from the checkpoint's and would change the result of a resumed run.
  package struct Difference: Sendable, Equatable {
    /// Its name for `--allow-changed`: its option, if there is one.
    package let key: String
    /// One sentence with both values.
    package let sentence: String
  }

  /// The keys that `--allow-changed` accepts.
  package static let changeable = [
    "recipe", "learning-rate", "momentum", "weight-decay", "batch-size", "schedule", "augmentation",
    "data", "seed", "algorithm", "formats", "validate-every", "init-from", "rates", "warm-up",
    "clip-norm", "label-smoothing", "accumulate", "balance", "optimiser", "base-batch",
  ]

  /// The settings, except the network, that differ from those of a checkpoint.
  package func differences(from saved: TrainingSettings) -> [Difference] {
    var result: [Difference] = []
    func compare<Value: Equatable>(
      _ key: String, _ name: String, _ saved: Value, _ now: Value,
      as text: ((Value) -> String)? = { "\($0)" }
    ) {
      guard saved != now else { return }
      // Differences that the text does not show are reported too.
      guard let text, text(saved) != text(now) else {
        result.append(Difference(key: key, sentence: "\(name) differs"))
        return
      }
      result.append(
        Difference(key: key, sentence: "\(name) was \(text(saved)) and is \(text(now))"))
    }
    compare("recipe", "the recipe's name", saved.recipe.name.rawValue, recipe.name.rawValue)
    compare(
      "learning-rate", "the learning rate", saved.recipe.learningRate, recipe.learningRate,
      as: plain)
    compare("momentum", "the momentum", saved.recipe.momentum, recipe.momentum, as: plain)
    compare(
      "weight-decay", "the weight decay", saved.recipe.weightDecay, recipe.weightDecay, as: plain)
    compare("batch-size", "the batch size", saved.recipe.batchSize, recipe.batchSize)
    func compare(_ key: String, _ name: String, _ path: KeyPath<Recipe, Double?>) {
      compare(key, name, saved.recipe[keyPath: path], recipe[keyPath: path]) {
        $0.map(plain) ?? "none"
      }
    }
    compare("warm-up", "the warm-up", saved.recipe.warmUp, recipe.warmUp) {
      $0.map { counted($0, "step", "steps") } ?? "not given"
    }
    compare("clip-norm", "the largest norm of the gradients", \.clipNorm)
    compare("accumulate", "the number of a batch's parts", saved.recipe.parts, recipe.parts)
    compare(
      "balance", "the balance of classes", saved.recipe.balance?.rawValue ?? "none",
      recipe.balance?.rawValue ?? "none")
    compare("optimiser", "LARS's trust coefficient", \.trust)
    compare(
      "base-batch", "the batch that the rate is for",
      saved.recipe.baseBatch ?? saved.recipe.batchSize, recipe.baseBatch ?? recipe.batchSize)
    compare("label-smoothing", "the smoothing of targets", \.labelSmoothing)
    compare(
      "schedule", "the learning rate's schedule", saved.recipe.schedule, recipe.schedule,
      as: { "'the rate" + $0.text + "'" })
    let (rates, savedRates) = (recipe.layerRates ?? [:], saved.recipe.layerRates ?? [:])
    for layer in Set(rates.keys).union(savedRates.keys).sorted() {
      compare(
        "schedule", "the schedule of layer \(quoted(layer))", savedRates[layer], rates[layer],
        as: { "'" + ($0?.text ?? "none") + "'" })
    }
    compare(
      "augmentation", "the augmentation", saved.recipe.augmentation, recipe.augmentation,
      as: nil)
    compare("data", "the dataset's checksum", saved.datasetChecksum, datasetChecksum)
    let (tuning, savedTuning) = (fineTuning ?? FineTuning(), saved.fineTuning ?? FineTuning())
    compare(
      "init-from", "the file of the initial weights", savedTuning.file ?? "none",
      tuning.file ?? "none")
    compare("init-from", "the list of reset layers", savedTuning.reset, tuning.reset)
    compare(
      "init-from", "the class map", savedTuning.classMap, tuning.classMap, as: nil)
    compare("rates", "the layers' learning rates", savedTuning.text, tuning.text)
    compare("seed", "the seed", saved.seed, seed)
    compare("algorithm", "the algorithm", saved.algorithm.rawValue, algorithm.rawValue)
    compare("formats", "the format of sent numbers", saved.formats, formats, as: nil)
    compare(
      "validate-every", "the validation interval",
      saved.validateEvery.map(String.init) ?? "an epoch",
      validateEvery.map(String.init) ?? "an epoch")
    return result
  }

  /// How another network differs, in one sentence with both values; nil if it is equal.
  package func networkDifference(from saved: TrainingSettings) -> String? {
    guard saved.network != network else { return nil }
    func text(_ network: NetworkSpecification) -> String {
      "\(quoted(network.name)) with \(network.towers) towers, \(network.layers.count) layers, "
        + "\(network.parameterCount) parameters and \(network.classes) classes"
    }
    let pair = zip(saved.network.layers, network.layers).first { $0 != $1 }
    let layer = pair.map { ", beginning with layer \(quoted($0.0.name))" } ?? ""
    return
      "was trained with the network \(text(saved.network)); the options ask for "
      + "\(text(network))\(layer)"
  }
}
