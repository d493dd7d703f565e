/// The rectifier, max(0, x), as data.
package struct ReLUSpecification: PlainLayer {
  package static let key = "relu"
  package static let title = "a ReLU"
  package static let onnxOperator = "Relu"
  package static let caffeType = "ReLU"

  /// The layer's name.
  package var name: String

  /// Makes a rectifier.
  package init(name: String) { self.name = name }

  package var specification: LayerSpecification { .relu(self) }
  package var role: LayerRole { .activation }
  package func output(of input: MapShape, kernels: Int) -> MapShape { input }
  package var dependsOnTowers: Bool { false }
  package var silencesNegatives: Bool { true }

  package var inPlace: InPlaceRule { .keepsNumbers }
  /// No: the sign will do, and what works in place keeps it wherever a gradient comes from.
  package var needsItsOutput: Bool { false }
  package func rememberedBytes(of output: MapShape) -> Int { 0 }
}

extension LayerSpecification {
  /// A rectifier.
  package static func relu(name: String) -> LayerSpecification {
    .relu(ReLUSpecification(name: name))
  }
}
