/// A line of metrics.jsonl about a training step.
struct StepRecord: Encodable {
  let kind = "step"
  /// Steps done, this one included.
  let step: Int
  /// Epochs done, this step included, with its fraction.
  let epoch: Double
  /// The batch's mean loss in nats.
  let loss: Double
  /// The batch's top-1 error in percent, with dropout and augmentation on.
  let trainingError: Double
  /// The weights' learning rate.
  let learningRate: Double
  /// How long the step took.
  let seconds: Double
  /// Of these, sending, receiving and waiting for other ranks.
  let exchangeSeconds: Double
  /// Of these, waiting for images.
  let dataWaitSeconds: Double
}

/// A line of metrics.jsonl about a validation.
struct ValidationRecord: Encodable {
  let kind = "validation"
  /// Steps done.
  let step: Int
  /// Epochs done, with their fraction.
  let epoch: Double
  /// The mean loss over all validation images, in nats.
  let loss: Double
  /// Percent of the images whose true class is not the most probable.
  let top1Error: Double
  /// Percent of the images whose true class is not among the five most probable.
  let top5Error: Double
  /// How many images that is out of.
  let images: Int
  /// How long it took.
  let seconds: Double
}

/// A line of metrics.jsonl about the layers, as they are before a validation.
struct HealthRecord: Encodable {
  let kind = "health"
  /// Steps done.
  let step: Int
  /// The layers with weights, in their order.
  let layers: [LayerHealth]
}
