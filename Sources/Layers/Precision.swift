import Tensors

/// The numbers that fully-connected layers are computed with.
package enum Precision: String, Codable, CaseIterable, Sendable {
  /// Floats of 32 bits.
  case fp32
  /// Numbers of 16 bits (bfloat16), everything added up in 32.
  ///
  /// What is multiplied is rounded: weights, inputs and gradients. In training the weights
  /// themselves, their gradients and velocities have 32 bits; in a network that is not trained, the
  /// weights are kept in 16.
  case bf16

  /// Whether this processor can train with it.
  package var canBeTrained: Bool { self == .fp32 || NarrowProduct.isAvailable }
}
