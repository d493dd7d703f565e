import Data
import Foundation
import JSON
package import Layers
package import ModelParallel
package import Networks
import Options
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
  /// The numbers that fully-connected layers are computed with; nil for fp32.
  package var precision: Precision?
  /// The number of threads in each tower: results are equal to the last bit for equal numbers.
  package var threadsPerTower: Int
  /// The number format of messages between ranks; nil for fp32.
  package var formats: WireFormats?
  /// What becomes of a run at a plateau of the smallest learning rate; nil for `stop`.
  package var lastPlateau: LastPlateau?
  /// What becomes of a run whose numbers diverge; nil for `stop`.
  package var onDivergence: OnDivergence?
  /// How often a run goes back at most; nil for the program's own number.
  package var maxRollbacks: Int?
  /// What becomes of a run that does not learn; nil for `warn`.
  package var onStall: OnStall?
  /// The steps at chance after which it ends; nil for a number that depends on the classes.
  package var stallSteps: Int?
  /// Whether files for TensorBoard are written.
  package var tensorboard: Bool?
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

  /// The settings of a run for which no options are given.
  package init(network: NetworkSpecification, recipe: Recipe) {
    self.init(
      network: network, recipe: recipe, dataset: "(none)", datasetChecksum: "", seed: 0,
      maxSteps: nil, validateEvery: nil, checkpointEvery: nil, keptCheckpoints: 1,
      algorithm: .automatic, threadsPerTower: 1)
    for option in RecordedOptions.all { option.setStandard(in: &self) }
  }

  /// What becomes of a run at a plateau of the smallest learning rate.
  package enum LastPlateau: String, Codable, CaseIterable, Sendable { case stop, `continue` }

  /// What becomes of a run whose numbers diverge.
  package enum OnDivergence: String, Codable, CaseIterable, Sendable { case stop, rollback }

  /// What becomes of a run that does not learn.
  package enum OnStall: String, Codable, CaseIterable, Sendable { case warn, stop }

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
  package static let changeable =
    RecordedOptions.all.filter(\.changesResult).map(\.declaration.name) + [
      "recipe", "schedule", "augmentation", "data", "init-from", "rates",
    ]

  /// The settings, except the network, that differ from those of a checkpoint.
  package func differences(from saved: TrainingSettings) -> [Difference] {
    var result = RecordedOptions.all.filter(\.changesResult).compactMap { option in
      option.difference(from: saved, self).map {
        Difference(key: option.declaration.name, sentence: $0)
      }
    }
    // Without LARS there is no trust coefficient to compare.
    let optimisers = [saved, self].map { $0.recipe.trust == nil ? "sgd" : "lars" }
    if optimisers[0] != optimisers[1],
      let place = result.firstIndex(where: { $0.key == RecordedOptions.trust.declaration.name })
    {
      result[place] = Difference(
        key: result[place].key,
        sentence: "--optimiser \(optimisers[1]) differs from the run's \(optimisers[0])")
    }
    func compare<Value: Equatable>(
      _ key: String, _ name: String, _ saved: Value, _ now: Value,
      as text: ((Value) -> String)? = { "\($0)" }
    ) {
      guard saved != now else { return }
      let texts = text.map { " was \($0(saved)) and is \($0(now))" }
      result.append(Difference(key: key, sentence: name + (texts ?? " differs")))
    }
    compare("recipe", "the recipe's name", saved.recipe.name.rawValue, recipe.name.rawValue)
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
    return result
  }

  /// How another network differs, in one sentence with both values; nil if it is equal.
  package func networkDifference(from saved: TrainingSettings) -> String? {
    guard saved.network != network else { return nil }
    func text(_ network: NetworkSpecification) -> String {
      "\(quoted(network.name)) with \(counted(network.towers, "tower", "towers")), "
        + "\(counted(network.layers.count, "layer", "layers")), "
        + "\(network.parameterCount) parameters and \(counted(network.classes, "class", "classes"))"
    }
    let pair = zip(saved.network.layers, network.layers).first { $0 != $1 }
    let layer =
      pair.map { old, new in
        let parts = Self.differingParts(old, new)
        return ", which differs in "
          + (parts.isEmpty ? "" : "\(listed(parts)) of ") + "layer \(quoted(old.name))"
      } ?? ""
    return
      "was trained with the network \(text(saved.network)); the options ask for "
      + "\(text(network))\(layer)"
  }

  /// The parts of a layer's description, by their names in it, that are not the same in another.
  private static func differingParts(
    _ old: LayerSpecification, _ new: LayerSpecification
  ) -> [String] {
    let both = [old, new].map { layer in
      (try? JSONSerialization.jsonObject(with: Data(JSONText.encode(layer).utf8)))
        as? [String: NSObject] ?? [:]
    }
    return Set(both[0].keys).union(both[1].keys).sorted().filter { both[0][$0] != both[1][$0] }
      .map(quoted)
  }
}

extension TrainingSettings {
  /// The number of validations without a better error after which the learning rate falls; nil
  /// where it falls otherwise.
  package var patience: Int? {
    get {
      guard case .plateau(_, _, let patience, _) = recipe.schedule else { return nil }
      return patience
    }
    set {
      guard case .plateau(let divisor, let reductions, _, let threshold) = recipe.schedule,
        let newValue
      else { return }
      recipe.schedule = .plateau(
        divisor: divisor, reductions: reductions, patience: newValue, threshold: threshold)
    }
  }

  /// The seed as options take it.
  var seedNumber: Int {
    get { Int(clamping: seed) }
    set { seed = UInt64(newValue) }
  }

  /// The numbers that fully-connected layers are computed with.
  package var layerPrecision: Precision { precision ?? .fp32 }

  /// The number formats of messages between ranks.
  package var wireFormats: WireFormats {
    get { formats ?? WireFormats() }
    set { formats = newValue == WireFormats() ? nil : newValue }
  }
}
