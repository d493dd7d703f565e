/// The allowed values of settings, from options and files.
package enum SettingBounds {
  /// Images in a batch over all ranks.
  package static let batchSize = 1...65_536
  /// Epochs of a run.
  package static let epochs = 1...1_000_000
  /// Steps of a run.
  package static let maxSteps = 0...1_000_000_000_000
  /// The initial learning rate of the weights.
  package static let learningRate = 1e-12...1e6
  /// A rate in a schedule's file: 0 stops the weights.
  package static let tableRate = 0...learningRate.upperBound
  /// Steps over which the learning rate grows.
  package static let warmUp = 0...1_000_000_000
  /// The largest norm of all gradients together.
  package static let clipNorm = 1e-12...1e12
  /// The share of a target that is spread over all classes.
  package static let labelSmoothing = 0...0.9
  /// LARS's factor of the layers' learning rates.
  package static let trust = 1e-9...1e6
  /// The momentum coefficient.
  package static let momentum = 0.0...1.0
  /// The weight decay coefficient.
  package static let weightDecay = 0.0...1e6
  /// Validations without a better error before the learning rate falls.
  package static let patience = 1...1_000_000
  /// Steps from one validation, or one checkpoint, to the next.
  package static let interval = 1...Int.max
  /// The number of checkpoints to keep.
  package static let keptCheckpoints = 1...1_000_000
  /// Threads per tower, and per rank.
  package static let threads = 1...1024
  /// Classes of a network.
  package static let classes = 2...1_000_000
}
