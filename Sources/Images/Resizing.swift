/// How a picture of any shape is made square.
public enum Resizing: String, Codable, Sendable, CaseIterable {
  /// The shorter side is scaled to the square's side and the centre is kept, as in the paper.
  case crop
  /// Both sides are scaled to the square's side, as Caffe's tools do, which distorts non-square
  /// pictures.
  case squeeze
}
