/// Which parts of a picture are shown to a network at test.
public enum Crops: Int, Sendable, CaseIterable {
  /// The centre crop.
  case centre = 1
  /// The four corners and the centre, and their mirror images (Krizhevsky 2012, section 4.1).
  case ten = 10

  /// A crop's left and upper edge, and whether it is mirrored.
  struct Place: Equatable {
    var x: Int
    var y: Int
    var isMirrored = false
  }

  /// The crops of `inputSide` pixels in a picture of `side` pixels, in the order in which they are
  /// averaged.
  func places(side: Int, inputSide: Int) -> [Place] {
    let (far, middle) = (side - inputSide, (side - inputSide) / 2)
    let centre = Place(x: middle, y: middle)
    guard self == .ten else { return [centre] }
    let plain = [(0, 0), (far, 0), (0, far), (far, far)].map { Place(x: $0.0, y: $0.1) } + [centre]
    return plain + plain.map { Place(x: $0.x, y: $0.y, isMirrored: true) }
  }
}
