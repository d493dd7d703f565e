/// How a convolution's kernel or a pooling window moves over a map.
///
/// Along each axis the output has `1 + (input + 2 padding - size) / stride` places, rounded up or
/// down. Up is the rule of Krizhevsky's code (layer.py), and makes 224 pixels into 55 under size 11
/// and stride 4: the last window runs over the right and bottom edge, where it sees zeros (a pool:
/// nothing).
package struct Window: Equatable, Sendable {
  /// How a fractional number of places is rounded.
  package enum Rounding: String, Codable, Sendable {
    /// Every input pixel is covered: Krizhevsky's code, Caffe's pools.
    case up
    /// No window runs over the edge: PyTorch, Caffe's convolutions.
    case down
  }

  /// Pixels along each axis of the square window.
  package var size: Int
  /// Pixels between neighbouring windows.
  package var stride: Int
  /// Pixels of zeros added at the left and top; as many, or more by rounding, at the right and
  /// bottom.
  package var padding: Int
  /// What happens to a fraction.
  package var rounding: Rounding

  /// Makes a window.
  package init(size: Int, stride: Int, padding: Int = 0, rounding: Rounding = .up) {
    self.size = size
    self.stride = stride
    self.padding = padding
    self.rounding = rounding
  }

  /// The number of places along an axis of `length` pixels; 0 or less where the window does not
  /// fit.
  package func places(over length: Int) -> Int {
    let room = length + 2 * padding - size
    if room < 0 { return 0 }
    let places = 1 + (rounding == .up ? (room + stride - 1) / stride : room / stride)
    // A window that would begin beyond the last pixel sees nothing at all.
    return (places - 1) * stride - padding >= length ? places - 1 : places
  }

  /// The pixels of an axis that the window at a place covers, its parts beyond the edges left out.
  @inline(__always)
  package func covered(at place: Int, of length: Int) -> Range<Int> {
    let start = place * stride - padding
    return max(0, start)..<max(0, min(length, start + size))
  }
}

// What the layers that slide a window have in common.
extension Window {
  /// A side that no valid network has: more is not counted, so that a description cannot overflow.
  private static let longestSide = 1 << 15

  /// So many maps of a number for each place over others.
  package func output(over input: MapShape, maps: Int) -> MapShape {
    MapShape(
      height: min(places(over: input.height), Self.longestSide),
      width: min(places(over: input.width), Self.longestSide), maps: maps)
  }

  /// Hands over size, stride, padding and rounding.
  mutating func visitSettings(_ settings: inout LayerSettings) throws {
    try settings.take("size", &size, isRequired: true)
    try settings.take("stride", &stride)
    try settings.take("padding", &padding)
    try settings.take("rounding", &rounding)
  }

  /// What is wrong with them, to follow "layer 'x' "; nil where nothing is.
  func complaint(longest: Int) -> String? {
    let isPossible =
      (1...longest).contains(size) && (1...4096).contains(stride) && (0..<size).contains(padding)
    return isPossible
      ? nil
      : "needs a size from 1 to \(longest), a stride of 1 or more and a padding below the size"
  }
}
