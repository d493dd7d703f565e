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
      constant > 0 && constant <= 1e6 && (0...1e6).contains(scale)
        && (-100...100).contains(exponent)
    else {
      return
        "needs a positive constant up to 1e6, a scale of 0 or more, up to 1e6, and an exponent "
        + "from -100 to 100"
    }
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
