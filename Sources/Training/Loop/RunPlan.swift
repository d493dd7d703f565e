/// Computes from a run's settings and the number of training images what is due after each step.
struct RunPlan {
  private let settings: TrainingSettings
  private let images: Int

  init(_ settings: TrainingSettings, images: Int) {
    self.settings = settings
    self.images = images
  }

  /// The number of steps after which training ends.
  var lastStep: Int {
    let batch = settings.recipe.batchSize
    let steps = (settings.recipe.epochs * images + batch - 1) / batch
    return min(steps, settings.maxSteps ?? .max)
  }

  /// Epochs done: images used, divided by the number of training images.
  func epochs(after steps: Int) -> Double {
    Double(steps) * Double(settings.recipe.batchSize) / Double(images)
  }

  /// The epoch in which the next step begins, counted from 1.
  func epoch(after steps: Int) -> Int {
    steps * settings.recipe.batchSize / images + 1
  }

  /// The weights' learning rate in the next step.
  func learningRate(_ state: TrainingState) -> Double {
    state.schedule.learningRate(
      initial: settings.recipe.learningRate, settings.recipe.schedule,
      epoch: epochs(after: state.step))
  }

  /// Whether a validation is due after this number of steps.
  func isTimeToValidate(after steps: Int) -> Bool {
    if let interval = settings.validateEvery { return steps % interval == 0 }
    let batch = settings.recipe.batchSize
    return steps * batch / images > (steps - 1) * batch / images
  }

  /// Whether a checkpoint is due, whatever the result of a validation.
  func isTimeToSave(after steps: Int) -> Bool {
    settings.checkpointEvery.map { steps % $0 == 0 } ?? false
  }
}
