/// The parts of a dataset.
package enum Split: String, Codable, Sendable, CaseIterable {
  /// Pictures to train on.
  case train
  /// Pictures to measure the error on during training, and to choose settings by.
  case validation
  /// Pictures kept apart to measure a finished network; never used for training or for choosing.
  case test

  /// The part as an adjective, as in `12 training pictures`.
  package var adjective: String { self == .train ? "training" : rawValue }
}
