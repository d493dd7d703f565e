/// The size of one image's feature maps: height x width x maps, the maps of a pixel side by side.
package struct MapShape: Equatable, Sendable, CustomStringConvertible {
  /// Rows of pixels.
  package var height: Int
  /// Pixels in a row.
  package var width: Int
  /// Feature maps (channels).
  package var maps: Int

  /// Makes a shape; a vector of n neurons is 1 x 1 x n.
  package init(height: Int, width: Int, maps: Int) {
    self.height = height
    self.width = width
    self.maps = maps
  }

  /// Pixels of one map.
  package var pixels: Int { height * width }
  /// Neurons of one image.
  package var count: Int { pixels * maps }
  /// `55x55x96`.
  package var description: String { "\(height)x\(width)x\(maps)" }
}
