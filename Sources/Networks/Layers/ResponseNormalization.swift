/// Normalisation across neighbouring maps of the own tower, as data.
package struct ResponseNormalizationSpecification: NormalizationTraits {
  package static let key = "responseNormalization"
  package static let title = "an LRN"

  /// The layer's name.
  package var name: String
  /// Maps that the sum runs over.
  package var size: Int
  /// What the sum is added to.
  package var constant: Double
  /// The factor of the sum.
  package var scale: Double
  /// The exponent.
  package var exponent: Double

  package init(name: String, size: Int, constant: Double, scale: Double, exponent: Double) {
    self.name = name
    self.size = size
    self.constant = constant
    self.scale = scale
    self.exponent = exponent
  }

  package init(name: String) {
    self.init(name: name, size: 5, constant: 2, scale: 1e-4, exponent: 0.75)
  }

  package var specification: LayerSpecification { .responseNormalization(self) }
  /// Maps have other neighbours where towers are joined.
  package var dependsOnTowers: Bool { true }
}
