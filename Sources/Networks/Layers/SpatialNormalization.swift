/// Normalisation over neighbouring pixels of the same map, as data.
package struct SpatialNormalizationSpecification: NormalizationTraits {
  package static let key = "spatialNormalization"
  package static let title = "a norm within maps"

  /// The layer's name.
  package var name: String
  /// Pixels along each axis that the sum runs over.
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
    self.init(name: name, size: 5, constant: 1, scale: 1e-4, exponent: 0.75)
  }

  package var specification: LayerSpecification { .spatialNormalization(self) }
  /// Each map for itself.
  package var dependsOnTowers: Bool { false }
}
