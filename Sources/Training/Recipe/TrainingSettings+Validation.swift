import Data
import Networks
import System

/// Checks that the numbers in a file are within the bounds of the options.
///
/// Files come from other people, and a number out of bounds may cause a trap or an endless loop.
struct NumberCheck {
  /// The file, for messages.
  let path: String

  /// - Throws: `Failure` (badData) that names the file, the number and its bounds.
  func require<Number: Comparable>(
    _ name: String, _ number: Number?, in range: ClosedRange<Number>
  ) throws(Failure) {
    guard let number, !range.contains(number) else { return }
    throw Failure(
      .badData,
      "\(quoted(path)) says \(name) = \(number), which is not from \(range.lowerBound) to "
        + "\(range.upperBound); it is damaged."
    )
  }
}

extension TrainingSettings {
  /// Checks the numbers that were read from a file.
  /// - Throws: `Failure` (badData) that names the file, the number and its bounds.
  func validate(from path: String) throws(Failure) {
    do throws(Failure) { try network.validate() } catch {
      throw Failure(.badData, "\(quoted(path)) is damaged: \(error.message)")
    }
    let check = NumberCheck(path: path)
    try check.require("threadsPerTower", threadsPerTower, in: 1...4096)
    for option in RecordedOptions.all { try option.check(self, from: path) }
    guard recipe.batchSize.isMultiple(of: recipe.parts) else {
      throw Failure(
        .badData,
        "\(quoted(path)) says batchSize = \(recipe.batchSize) and accumulate = \(recipe.parts), "
          + "which does not divide it; it is damaged.")
    }
    try check.require(
      "biasLearningRateFactor", recipe.biasLearningRateFactor, in: SettingBounds.factor)
    try check.require("cropChunk", recipe.augmentation.cropChunk, in: 1...1_000_000)
    try check.require("colourNoise", recipe.augmentation.colourNoise, in: SettingBounds.factor)
    try check.require("divisor", recipe.augmentation.divisor, in: 1e-6...1e6)
    try check.require(
      "colourNoiseEndEpoch", recipe.augmentation.colourNoiseEndEpoch, in: 0...1_000_000)
    switch recipe.schedule {
    case .plateau(let divisor, let reductions, _, let threshold):
      try check.require("divisor", divisor, in: 1e-6...1e6)
      try check.require("reductions", reductions, in: 0...ScheduleState.mostReductions)
      try check.require("threshold", threshold, in: -100...100)
    case .steps(let divisor, let epochs):
      try check.require("divisor", divisor, in: 1e-6...1e6)
      try check.require("the number of epochs", epochs.count, in: 0...1000)
    case .epochs(let divisor, let first):
      try check.require("divisor", divisor, in: 1e-6...1e6)
      try check.require("the number of epochs", first.count, in: 0...1000)
      for epoch in first { try check.require("an epoch", epoch, in: 1...1_000_000) }
    case .cosine(let epochs): try check.require("epochs", epochs, in: 1e-9...1e9)
    case .table(let epochs, let rates):
      try check.require("the number of rates", rates.count, in: epochs.count...epochs.count)
      for epoch in epochs { try check.require("an epoch", epoch, in: SettingBounds.tableEpoch) }
      for rate in rates { try check.require("a rate", rate, in: SettingBounds.tableRate) }
    case .constant: break
    }
    for (layer, rates) in recipe.layerRates ?? [:] {
      guard network.layers.contains(where: { $0.name == layer && $0.hasWeights }) else {
        throw Failure(
          .badData,
          "\(quoted(path)) has a schedule for the layer \(quoted(layer)), but the network has no "
            + "such layer with weights; it is damaged.")
      }
      try check.require("the number of epochs", rates.count, in: 0...1000)
      for rate in rates {
        try check.require("fromEpoch", rate.fromEpoch, in: 1...1_000_000)
        try check.require("the factor of the weights' rate", rate.weights, in: SettingBounds.factor)
        try check.require("the factor of the biases' rate", rate.biases, in: SettingBounds.factor)
      }
    }
    for (layer, factor) in fineTuning?.learningRateFactors ?? [:] {
      try check.require("the learning rate of \(quoted(layer))", factor, in: SettingBounds.factor)
    }
  }
}

extension TrainingState {
  /// Checks the numbers that were read from a file.
  /// - Throws: `Failure` (badData) that names the file, the number and its bounds.
  func validate(from path: String) throws(Failure) {
    let check = NumberCheck(path: path)
    let most = SettingBounds.maxSteps.upperBound
    try check.require("step", step, in: 0...most)
    try check.require("records", records, in: 0...4 * most)
    try check.require("reductions", schedule.reductions, in: 0...ScheduleState.mostReductions)
    try check.require("validationsSinceBest", schedule.validationsSinceBest, in: 0...most)
    for validation in [validation, best] {
      try check.require("the step of a validation", validation?.step, in: 0...step)
      try check.require("top1Error", validation?.top1Error, in: 0...100)
    }
    try check.require("the count of rollbacks", rollbacks?.count, in: 0...1_000_000)
    try check.require("rollbackStep", rollbackStep, in: 0...step)
    try check.require("the steps of a stall", stall?.steps, in: 0...most)
    try check.require("deadLooks", stall?.deadLooks, in: 0...most)
    try check.require("rateFactor", rollbacks?.rateFactor, in: 0...1)
  }
}
