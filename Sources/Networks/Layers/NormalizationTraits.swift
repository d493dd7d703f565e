/// A type of normalisation: y = x (constant + scale * sum of squares)^-exponent.
package protocol NormalizationTraits: LayerTraits {
  /// Maps (or pixels along each axis) that the sum runs over.
  var size: Int { get set }
  /// What the sum is added to.
  var constant: Double { get set }
  /// The factor of the sum.
  var scale: Double { get set }
  /// The exponent.
  var exponent: Double { get set }

  /// Makes a normalisation from its parts.
  init(name: String, size: Int, constant: Double, scale: Double, exponent: Double)
}

extension NormalizationTraits {
  /// Size, constant, scale and exponent.
  package mutating func visitSettings(_ settings: inout LayerSettings) throws {
    try settings.take("size", &size)
    try settings.take("constant", &constant)
    try settings.take("scale", &scale)
    try settings.take("exponent", &exponent)
  }

  /// What is wrong with them.
  package func complaint(towers: Int) -> String? {
    guard size % 2 == 1 && (1...255).contains(size) else {
      return "needs an odd size from 1 to 255, not \(size)"
    }
    guard
      constant.isFinite && constant > 0 && scale.isFinite && scale >= 0 && exponent.isFinite
    else { return "needs a positive constant, a scale of 0 or more and a finite exponent" }
    return nil
  }

  /// A normalisation.
  package var role: LayerRole { .normalization }
  /// As many maps as it reads.
  package func output(of input: MapShape, kernels: Int) -> MapShape { input }
  /// The backward pass needs the input.
  package var inPlace: InPlaceRule { .never }
  /// No: it needs the input.
  package var needsItsOutput: Bool { false }
  /// Nothing: the sums are found again.
  package func rememberedBytes(of output: MapShape) -> Int { 0 }
}
