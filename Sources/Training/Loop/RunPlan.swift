/// Where a run is and what is due there: arithmetic on its settings and the number of training images.
package struct RunPlan {
  private let settings: TrainingSettings
  private let images: Int

  /// Makes the plan of a run over so many training images.
  package init(_ settings: TrainingSettings, images: Int) {
    self.settings = settings
    self.images = images
  }

  /// Steps after which training ends.
  package var lastStep: Int {
    let batch = settings.recipe.batchSize
    let steps = (settings.recipe.epochs * images + batch - 1) / batch
    return min(steps, settings.maxSteps ?? .max)
  }

  /// Epochs done: images seen over images there are.
  package func epochs(after steps: Int) -> Double {
    Double(steps) * Double(settings.recipe.batchSize) / Double(images)
  }

  /// The epoch that the step after so many begins in, counted from 1.
  package func epoch(after steps: Int) -> Int {
    steps * settings.recipe.batchSize / images + 1
  }

  /// The learning rate of the weights in the step that follows.
  package func learningRate(_ state: TrainingState) -> Double {
    state.schedule.learningRate(
      initial: settings.recipe.learningRate, settings.recipe.schedule,
      epoch: epochs(after: state.step))
  }

  /// Whether the validation error is measured after so many steps.
  package func isTimeToValidate(after steps: Int) -> Bool {
    if let interval = settings.validateEvery { return steps % interval == 0 }
    let batch = settings.recipe.batchSize
    return steps * batch / images > (steps - 1) * batch / images
  }

  /// Whether a checkpoint is due whatever the validation says.
  package func isTimeToSave(after steps: Int) -> Bool {
    settings.checkpointEvery.map { steps % $0 == 0 } ?? false
  }
}
