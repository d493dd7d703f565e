import Options
import System
import Training

extension TrainCommand {
  /// What words ask for that stand in several settings.
  /// - Parameters:
  ///   - settings: The settings, with what options give for single ones.
  ///   - recorded: The recipe before options.
  /// - Throws: `Failure` (usage) where options contradict each other, or a file is no schedule.
  func refine(_ settings: inout TrainingSettings, recorded: Recipe) throws(Failure) {
    if let word = arguments[TrainOptions.schedule] {
      settings.recipe.schedule = try schedule(word, of: settings)
      if case .table(let epochs, let rates) = settings.recipe.schedule, epochs[0] == 0 {
        guard !arguments.has(RecordedOptions.learningRate) else {
          throw Failure(
            .usage,
            "\(quoted(word)) has the rate from the first epoch on, so --learning-rate would not be "
              + "used; leave one of them out.")
        }
        settings.recipe.learningRate = rates[0]
      }
    }
    let isLARS =
      arguments.has(TrainOptions.optimiser)
      ? arguments[TrainOptions.optimiser] == "lars" : recorded.trust != nil
    guard isLARS || !arguments.has(RecordedOptions.trust) else {
      throw Failure(.usage, "--trust needs --optimiser lars, whose factor it is.")
    }
    settings.recipe.trust = isLARS ? settings.recipe.trust ?? Recipe.usualTrust : nil
    // What changes nothing is not recorded.
    if settings.recipe.accumulate == 1 { settings.recipe.accumulate = nil }
    if settings.recipe.labelSmoothing == 0 { settings.recipe.labelSmoothing = nil }
    if settings.recipe.clipNorm == 0 { settings.recipe.clipNorm = nil }
    if settings.recipe.baseBatch == 0 { settings.recipe.baseBatch = nil }
    if settings.recipe.balance == .off { settings.recipe.balance = nil }
    let (batch, parts) = (settings.recipe.batchSize, settings.recipe.parts)
    guard batch.isMultiple(of: parts) else {
      throw Failure(
        .usage,
        "--accumulate \(parts) does not divide the batch of \(batch); give a --batch-size that it "
          + "divides.")
    }
  }

  /// The schedule that `--schedule` names; those with a length end with the run's last epoch.
  private func schedule(
    _ word: String, of settings: TrainingSettings
  ) throws(Failure) -> LearningRateSchedule {
    // The demonstration has a number of steps, and no epochs.
    let epochs =
      isDemonstration && !arguments.has(RecordedOptions.epochs)
      ? Demonstration.epochs(steps: settings.maxSteps, batchSize: settings.recipe.batchSize) : nil
    let length = epochs ?? Double(settings.recipe.epochs)
    switch word {
    case "plateau": return Recipe.paper.schedule
    // Caffe's bvlc_alexnet/solver.prototxt: a tenth each 100,000 of 450,000 steps.
    case "step": return .steps(divisor: 10, epochs: (1...4).map { Double($0) * length * 2 / 9 })
    case "cosine": return .cosine(epochs: length)
    default:
      guard FileStatus(word) != nil else {
        throw Failure(
          .usage,
          "--schedule takes plateau, step, cosine or a file with lines 'EPOCH RATE', and there is no "
            + "file \(quoted(word)).")
      }
      return try LearningRateSchedule(contentsOf: word)
    }
  }
}
