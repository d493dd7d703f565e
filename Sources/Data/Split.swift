/// The two parts of a dataset.
public enum Split: String, Codable, Sendable, CaseIterable {
  /// What the network learns from.
  case train
  /// What the error is measured on.
  case validation
}
