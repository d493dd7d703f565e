import Tensors

/// The numbers that fully-connected layers are computed with.
package enum Precision: String, Codable, CaseIterable, Sendable {
  /// Floats of 32 bits.
  case fp32
  /// Numbers of 16 bits (bfloat16), everything added up in 32.
  ///
  /// In training, what is multiplied is rounded: weights, inputs and gradients. The weights
  /// themselves, their gradients and velocities have 32 bits. In a network that is not trained, the
  /// weights are kept in 16 bits, and inputs are not rounded.
  case bf16

  /// Whether this processor can train with it.
  package var canBeTrained: Bool { self == .fp32 || NarrowProduct.isAvailable }
}
