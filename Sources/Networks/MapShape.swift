/// The size of one image's feature maps: height x width x maps, the maps of a pixel side by side.
public struct MapShape: Equatable, Sendable, CustomStringConvertible {
  /// Rows of pixels.
  public var height: Int
  /// Pixels in a row.
  public var width: Int
  /// Feature maps (channels).
  public var maps: Int

  /// Makes a shape; a vector of n neurons is 1 x 1 x n.
  public init(height: Int, width: Int, maps: Int) {
    self.height = height
    self.width = width
    self.maps = maps
  }

  /// Pixels of one map.
  public var pixels: Int { height * width }
  /// Neurons of one image.
  public var count: Int { pixels * maps }
  /// `55x55x96`.
  public var description: String { "\(height)x\(width)x\(maps)" }
}
