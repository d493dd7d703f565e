import System

/// Where a run is and what is due there: arithmetic on its settings and the number of images.
package struct RunPlan: Sendable {
  private let settings: TrainingSettings
  private let images: Int
  private let validates: Bool
  private let mayGoBack: Bool

  /// Makes the plan of a run.
  /// - Parameters:
  ///   - settings: Every setting.
  ///   - images: The training images.
  ///   - validates: Whether there are validation images.
  ///   - mayGoBack: Whether a run whose numbers diverge goes back, and so needs somewhere to go
  ///     back to.
  package init(_ settings: TrainingSettings, images: Int, validates: Bool, mayGoBack: Bool) {
    self.settings = settings
    self.images = images
    self.validates = validates
    self.mayGoBack = mayGoBack
  }

  // MARK: Steps and epochs

  /// The number of steps after which training ends.
  package var lastStep: Int {
    min(lastEpochsStep, settings.maxSteps ?? .max)
  }

  /// The step with which the last epoch ends.
  private var lastEpochsStep: Int {
    let batch = settings.recipe.batchSize
    return (settings.recipe.epochs * images + batch - 1) / batch
  }

  /// Epochs done: images used, divided by the number of training images.
  package func epochs(after steps: Int) -> Double {
    Double(steps) * Double(settings.recipe.batchSize) / Double(images)
  }

  /// The epoch in which the next step begins, counted from 1.
  package func epoch(after steps: Int) -> Int {
    steps * settings.recipe.batchSize / images + 1
  }

  /// The weights' learning rate in the next step.
  package func learningRate(_ state: TrainingState) -> Double {
    let rate = state.schedule.learningRate(
      initial: settings.recipe.learningRate, settings.recipe.schedule,
      epoch: epochs(after: state.step))
    return (rate * rateFactor(state)).asWritten
  }

  /// By what every rate is multiplied in the next step, whatever the schedule says: in the warm-up,
  /// for the batch's size, and after rollbacks.
  package func rateFactor(_ state: TrainingState) -> Double {
    min(1, Double(state.step + 1) / Double(max(1, warmUp))) * settings.recipe.batchFactor
      * (state.rollbacks?.rateFactor ?? 1)
  }

  /// The steps over which the rate grows.
  private var warmUp: Int {
    let recipe = settings.recipe
    guard recipe.warmUp == nil, recipe.baseBatch != nil else { return recipe.warmUp ?? 0 }
    return (Self.warmUpEpochs * images + recipe.batchSize - 1) / recipe.batchSize
  }

  /// The epochs over which it grows where it is scaled by the batch, as Goyal and others did.
  package static let warmUpEpochs = 5

  /// What to say of a warm-up that outlasts the run.
  package var warmUpNotice: String? {
    warmUp > 0 && warmUp >= lastStep
      ? "The warm-up takes \(warmUp) steps and the run \(lastStep): the learning rate never reaches "
        + "its full value. Give a shorter --warm-up."
      : nil
  }

  /// How a resumed run begins, as a sentence; at its end, why there is nothing left to train.
  func beginning(at state: TrainingState) -> String {
    let rate = plain(learningRate(state), digits: 4)
    guard isAtEnd(state) else {
      return "Continuing after step \(state.step) of \(lastStep). The learning rate is \(rate) now."
    }
    guard state.step >= lastStep else {
      return
        "The run ended after step \(state.step) of \(lastStep), since the error no longer fell at "
        + "the lowest learning rate: nothing is left to train. With --last-plateau continue it goes "
        + "on at \(rate)."
    }
    let option = lastStep < lastEpochsStep ? "--max-steps" : "--epochs"
    return
      "The run has done \(counted(state.step, "step", "steps")) and its settings ask for "
      + "\(lastStep): nothing is left to train. With a larger \(option) it goes on."
  }

  // MARK: What is due

  /// Whether training has come to its end.
  package func isAtEnd(_ state: TrainingState) -> Bool {
    state.step >= lastStep || isAtLastPlateau(state)
  }

  /// Whether training ends since the error no longer falls at the smallest learning rate.
  func isAtLastPlateau(_ state: TrainingState) -> Bool {
    state.schedule.isFinished && settings.lastPlateau != .continue
  }

  /// Whether the validation error is to be measured.
  ///
  /// Due again where a validation was broken off: a resumed run begins with it.
  package func isTimeToValidate(_ state: TrainingState) -> Bool {
    guard validates, state.validation?.step != state.step else { return false }
    return isAtEnd(state) || (state.step > 0 && countsValidation(after: state.step))
  }

  /// Whether the schedule counts a validation after so many steps, as it does not one at the end of
  /// a run that may go on later.
  package func countsValidation(after steps: Int) -> Bool {
    if let interval = settings.validateEvery { return steps % interval == 0 }
    let batch = settings.recipe.batchSize
    return steps * batch / images > (steps - 1) * batch / images
  }

  /// Whether the schedule has a checkpoint here, whatever is asked for and wherever this start of
  /// the run ends.
  package func isScheduledSave(_ state: TrainingState) -> Bool {
    // The validation that is due comes before it.
    guard !isTimeToValidate(state) else { return false }
    // A run that may have to go back needs somewhere to go back to.
    guard state.step > 0 else { return mayGoBack }
    return settings.checkpointEvery.map { state.step % $0 == 0 } ?? false
      || (validates && countsValidation(after: state.step))
  }

  /// Whether a checkpoint is due, whatever is asked for.
  /// - Parameters:
  ///   - state: Where the run is.
  ///   - saved: What the newest checkpoint holds; nil where there is none.
  /// - Returns: Whether one is to be begun.
  package func isTimeToSave(_ state: TrainingState, saved: TrainingState?) -> Bool {
    !isSaved(state, in: saved) && (isAtEnd(state) || isScheduledSave(state))
  }

  /// Whether a checkpoint has everything that the run would go on with.
  package func isSaved(_ state: TrainingState, in saved: TrainingState?) -> Bool {
    saved?.step == state.step && saved?.validation == state.validation
  }
}
