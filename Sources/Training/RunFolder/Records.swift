/// A line of metrics.jsonl about a training step.
struct StepRecord: Encodable {
  let kind = "step"
  /// The number of steps done, including this one.
  let step: Int
  /// Epochs done, including this step, with a fraction.
  let epoch: Double
  /// The batch's mean loss in nats.
  let loss: Double
  /// The batch's top-1 error in percent, with dropout and augmentation on.
  let trainingError: Double
  /// The weights' learning rate.
  let learningRate: Double
  /// The duration of the step in seconds.
  let seconds: Double
  /// The part of it spent sending, receiving and waiting for other ranks.
  let exchangeSeconds: Double
  /// The part of it spent waiting for images.
  let dataWaitSeconds: Double
}

/// A line of metrics.jsonl about a validation.
struct ValidationRecord: Encodable {
  let kind = "validation"
  /// The number of steps done.
  let step: Int
  /// Epochs done, with a fraction.
  let epoch: Double
  /// The mean loss over all validation images, in nats.
  let loss: Double
  /// The top-1 error in percent.
  let top1Error: Double
  /// The top-5 error in percent.
  let top5Error: Double
  /// The number of images.
  let images: Int
  /// The duration in seconds.
  let seconds: Double
}

/// A line of metrics.jsonl about the layers before a validation.
struct HealthRecord: Encodable {
  let kind = "health"
  /// The number of steps done.
  let step: Int
  /// The layers with weights, in order.
  let layers: [LayerHealth]
}
