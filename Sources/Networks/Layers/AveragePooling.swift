/// The mean of each window, as data.
package struct AveragePoolingSpecification: PoolingTraits {
  package static let key = "averagePooling"
  package static let title = "an average pooling"

  /// The layer's name.
  package var name: String
  /// Size, stride, padding and rounding.
  package var window: Window

  package init(name: String, window: Window) {
    self.name = name
    self.window = window
  }

  package var specification: LayerSpecification { .averagePooling(self) }
  /// Nothing.
  package func rememberedBytes(of output: MapShape) -> Int { 0 }
}
