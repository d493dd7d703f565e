/// The parts of a dataset.
package enum Split: String, Codable, Sendable, CaseIterable {
  /// What the network learns from.
  case train
  /// What the error is measured on while the network learns and settings are chosen.
  case validation
  /// What is kept apart to measure a finished network; never learned from, nor chosen by.
  case test

  /// The part as a sentence names its pictures: `12 training pictures`.
  package var adjective: String { self == .train ? "training" : rawValue }
}
