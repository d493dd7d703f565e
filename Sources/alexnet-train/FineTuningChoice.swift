import Checkpoints
import Data
import Interchange
import Networks
import Options
import System
import Towers
import Training

extension TrainCommand {
  /// The file with the weights: the argument of `--init-from`, or its newest checkpoint if it is a
  /// run; otherwise the file of the record.
  ///
  /// A run that goes on from its own checkpoint needs it no more, and it may have gone.
  func weightFile() throws(Failure) -> String? {
    guard let word = arguments[TrainOptions.initFrom] else {
      guard let file = record.settings?.fineTuning?.file else { return nil }
      guard record.hasCheckpoint || FileStatus(file) != nil else {
        throw Failure(
          .inputMissing,
          "\(quoted(file)), the recorded --init-from, is not there any more; give --init-from anew."
        )
      }
      return file
    }
    if let recorded = record.run?.fineTuning?.file, FineTuning.names(word, recorded),
      record.hasCheckpoint || FileStatus(recorded) != nil
    {
      return recorded
    }
    return record.hasCheckpoint ? word : try RunDirectory.checkpoint(named: word)
  }

  /// The network to train: the one that `--network` names, otherwise that of the record, otherwise
  /// that of the weights' file.
  func networkChoice(weights: String?) throws(Failure) -> NetworkChoice {
    let name = arguments[TrainOptions.network]
    // Nothing of the file is read where the run has a checkpoint.
    let isRead = arguments.has(TrainOptions.initFrom) && !record.hasCheckpoint
    if name == nil, let recorded = record.settings {
      try checkNoChange(since: "the settings have a network of their own")
      let choice = NetworkChoice(recorded.network)
      guard isRead, let weights else { return choice }
      return choice.reading(try StartingWeights.pictures(for: recorded.network, in: weights))
    }
    if name == nil, let weights, let network = try StartingWeights.network(in: weights) {
      try checkNoChange(since: "\(quoted(weights)) describes its own network")
      return NetworkChoice(network)
    }
    var choice = try NetworkChoice(
      name: name ?? NetworkSpecification.presetNames[0], recipe: recipeName,
      variants: arguments[TrainOptions.variant])
    choice.imageSide = arguments[TrainOptions.imageSide]
    guard let weights else { return choice }
    if record.hasCheckpoint { return choice.reading(record.run?.network.preprocessing) }
    return choice.reading(
      try StartingWeights.pictures(for: choice.network(classes: nil), in: weights))
  }

  /// Refuses options that change a network where none is named.
  private func checkNoChange(since reason: String) throws(Failure) {
    let options: [any AnyOption] = [TrainOptions.variant, TrainOptions.imageSide]
    guard let option = options.first(where: arguments.has) else { return }
    throw Failure(
      .usage, "--\(option.declaration.name) needs --network here, since \(reason).")
  }

  /// A function that fills a new run's network with the weights of a file; nil if there is none.
  func startingWeights(
    _ settings: TrainingSettings, _ dataset: Dataset
  ) -> ((Network) throws(Failure) -> StartingPoint)? {
    guard let tuning = settings.fineTuning, let file = tuning.file else { return nil }
    return { network throws(Failure) in
      try StartingWeights(file, reset: tuning.reset, classMap: tuning.classMap)
        .load(into: network, for: dataset.classNames)
    }
  }

  /// Checks for a dry run what a run reads as it starts from a file's weights.
  func checkStartingWeights(_ settings: TrainingSettings, _ dataset: Dataset?) throws(Failure) {
    guard !record.hasCheckpoint, let tuning = settings.fineTuning, let file = tuning.file,
      dataset != nil || tuning.classMap == nil
    else { return }
    try StartingWeights(file, reset: tuning.reset, classMap: tuning.classMap)
      .check(settings.network, for: dataset?.classNames ?? [])
  }

  /// The options about single layers; nil if there are none.
  func fineTuning(
    weights: String?, _ network: NetworkSpecification
  ) throws(Failure) -> FineTuning? {
    func words(_ option: ListOption<String>) -> [String] {
      arguments[option].flatMap { $0.split(separator: ",") }.map(String.init)
    }
    guard weights != nil || !arguments.has(TrainOptions.reset) else {
      throw Failure(
        .usage, "--reset needs --init-from; without it, all layers begin with their initial values."
      )
    }
    guard weights != nil || !arguments.has(TrainOptions.classMap) else {
      throw Failure(.usage, "--class-map needs --init-from, whose classes it maps.")
    }
    var tuning = record.settings?.fineTuning ?? FineTuning()
    if record.file != nil {
      for layer in tuning.reset + tuning.learningRateFactors.keys.sorted() {
        _ = try FineTuning.layers(layer, of: network, option: "config")
      }
    }
    tuning.file = weights
    if let word = arguments[TrainOptions.classMap] { tuning.classMap = try ClassMap(word) }
    if arguments.has(TrainOptions.reset) { tuning.reset = [] }
    if arguments.has(TrainOptions.freeze) || arguments.has(TrainOptions.learningRateScale) {
      tuning.learningRateFactors = [:]
    }
    for word in words(TrainOptions.reset) {
      tuning.reset += try FineTuning.layers(word, of: network, option: "reset")
    }
    var factors: [(word: String, option: String, factor: Double)] = []
    for word in words(TrainOptions.learningRateScale) {
      let parts = word.split(separator: "=", omittingEmptySubsequences: false).map(String.init)
      guard parts.count == 2, let factor = Double(parts[1]), SettingBounds.factor.contains(factor)
      else {
        throw Failure(
          .usage,
          "--learning-rate-scale takes a layer and a factor from 0 to 1e6 such as conv=0.1, not "
            + "\(quoted(word)).")
      }
      factors.append((parts[0], "learning-rate-scale", factor))
    }
    factors += words(TrainOptions.freeze).map { ($0, "freeze", 0) }
    var named: [String: Double] = [:]
    for (word, option, factor) in factors {
      for layer in try FineTuning.layers(word, of: network, option: option) {
        if layer == word { named[layer] = factor }
        tuning.learningRateFactors[layer] = factor
      }
    }
    // A layer's own name says more than a word for several, wherever it stands.
    tuning.learningRateFactors.merge(named) { _, own in own }
    guard
      network.layers.contains(where: {
        $0.hasWeights && tuning.learningRateFactors[$0.name] != 0
      })
    else {
      throw Failure(
        .usage,
        "Every layer of \(quoted(network.name)) is frozen; leave at least one layer out of "
          + "--freeze.")
    }
    return tuning == FineTuning() ? nil : tuning
  }
}
