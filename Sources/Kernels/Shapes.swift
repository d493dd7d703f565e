/// Normalisation across neighbouring maps: y = x (constant + scale * sum of squares)^-exponent.
public struct NormalizationShape: Sendable {
  /// Maps of a pixel.
  public var maps: Int
  /// Neighbours on either side that the sum runs over.
  public var half: Int
  /// What the sum is added to.
  public var constant: Float
  /// The factor of the sum.
  public var scale: Float
  /// The exponent.
  public var exponent: Float

  /// Makes a shape.
  public init(maps: Int, half: Int, constant: Float, scale: Float, exponent: Float) {
    self.maps = maps
    self.half = half
    self.constant = constant
    self.scale = scale
    self.exponent = exponent
  }

  /// Floats of a pixel's maps with room for whole vectors and the window's margins.
  public var lineLength: Int { (maps + 15) / 16 * 16 + 2 * half + 16 }
}

/// How pooling windows lie on the maps of one image.
public struct PoolGrid: Sendable {
  /// Rows of input pixels.
  public var height: Int
  /// Input pixels in a row.
  public var width: Int
  /// Rows of windows.
  public var outputHeight: Int
  /// Windows in a row.
  public var outputWidth: Int
  /// Maps of a pixel.
  public var maps: Int
  /// Pixels along each axis of a window.
  public var size: Int
  /// Pixels between windows.
  public var stride: Int
  /// Rows and columns of nothing above and left of the map.
  public var padding: Int

  /// Makes a grid.
  public init(
    height: Int, width: Int, outputHeight: Int, outputWidth: Int, maps: Int, size: Int, stride: Int,
    padding: Int
  ) {
    self.height = height
    self.width = width
    self.outputHeight = outputHeight
    self.outputWidth = outputWidth
    self.maps = maps
    self.size = size
    self.stride = stride
    self.padding = padding
  }
}
