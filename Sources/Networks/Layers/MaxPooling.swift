/// The largest number of each window, as data.
package struct MaxPoolingSpecification: PoolingTraits {
  package static let key = "maxPooling"
  package static let title = "a max pooling"

  /// The layer's name.
  package var name: String
  /// Size, stride, padding and rounding.
  package var window: Window

  package init(name: String, window: Window) {
    self.name = name
    self.window = window
  }

  package var specification: LayerSpecification { .maxPooling(self) }
  /// A byte for each output: which pixel of its window was the largest.
  package func rememberedBytes(of output: MapShape) -> Int { output.count }
}
