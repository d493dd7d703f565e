/// A type of pooling: a window slides over each map.
package protocol PoolingTraits: LayerTraits {
  /// Size, stride, padding and rounding.
  var window: Window { get set }

  /// Makes a pooling layer from its parts.
  init(name: String, window: Window)
}

extension PoolingTraits {
  /// A window of no size.
  package init(name: String) { self.init(name: name, window: Window(size: 0, stride: 1)) }
  /// Those of the window.
  package mutating func visitSettings(_ settings: inout LayerSettings) throws {
    try window.visitSettings(&settings)
  }
  /// The largest window has as many pixels as a byte can number.
  package func complaint(towers: Int) -> String? { window.complaint(longest: 15) }
  /// A pooling.
  package var role: LayerRole { .pooling }
  /// Places x places x maps.
  package func output(of input: MapShape, kernels: Int) -> MapShape {
    window.output(over: input, maps: input.maps)
  }
  /// Each map for itself.
  package var dependsOnTowers: Bool { false }
  /// Fewer pixels come out than go in.
  package var inPlace: InPlaceRule { .never }
  /// No.
  package var needsItsOutput: Bool { false }
  /// No: a largest number's place is remembered, and a mean needs none.
  package var needsItsInput: Bool { false }
}
