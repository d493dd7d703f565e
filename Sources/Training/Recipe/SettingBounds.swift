/// The allowed values of settings that several options or files have.
package enum SettingBounds {
  /// Images in a batch over all ranks.
  package static let batchSize = 1...65_536
  /// Steps of a run.
  package static let maxSteps = 0...1_000_000_000_000
  /// The initial learning rate of the weights.
  package static let learningRate = 1e-12...1e6
  /// An epoch in a schedule's file.
  package static let tableEpoch = 0...1e6
  /// A rate in a schedule's file: 0 stops the weights.
  package static let tableRate = 0...learningRate.upperBound
  /// What a rate, or the noise of colours, is multiplied by: beyond it single precision overflows.
  package static let factor = 0...1e6
  /// Steps from one validation, or one checkpoint, to the next.
  package static let interval = 1...Int.max
  /// Threads per tower, and per rank.
  package static let threads = 1...1024
  /// Classes of a network.
  package static let classes = 2...1_000_000
}
