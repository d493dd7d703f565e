/// tanh x, as data.
package struct TanhSpecification: PlainLayer {
  package static let key = "tanh"
  package static let title = "a tanh"
  package static let onnxOperator = "Tanh"
  package static let caffeType = "TanH"

  /// The layer's name.
  package var name: String

  /// Makes the units.
  package init(name: String) { self.name = name }

  package var specification: LayerSpecification { .tanh(self) }
  package var role: LayerRole { .activation }
  package func output(of input: MapShape, kernels: Int) -> MapShape { input }
  package var dependsOnTowers: Bool { false }

  package var inPlace: InPlaceRule { .changesNumbers }
  /// Yes: the slope is 1 - y^2.
  package var needsItsOutput: Bool { true }
  package func rememberedBytes(of output: MapShape) -> Int { 0 }
}

extension LayerSpecification {
  /// A layer of tanh.
  package static func tanh(name: String) -> LayerSpecification {
    .tanh(TanhSpecification(name: name))
  }
}
