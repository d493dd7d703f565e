/// How a picture of any shape becomes a square.
public enum Resizing: String, Codable, Sendable, CaseIterable {
  /// The shorter side is scaled to the square's and the middle kept, as the paper does.
  case crop
  /// Both sides are scaled to the square's, as Caffe's tools do: what was not square is distorted.
  case squeeze
}
