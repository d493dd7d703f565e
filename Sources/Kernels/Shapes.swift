/// Normalisation across neighbouring maps: y = x (constant + scale * sum of squares)^-exponent.
package struct NormalizationShape: Sendable {
  /// Maps of a pixel.
  package var maps: Int
  /// Neighbours on either side that the sum runs over.
  package var half: Int
  /// What the sum is added to.
  package var constant: Float
  /// The factor of the sum.
  package var scale: Float
  /// The exponent.
  package var exponent: Float

  /// Makes a shape.
  package init(maps: Int, half: Int, constant: Float, scale: Float, exponent: Float) {
    self.maps = maps
    self.half = half
    self.constant = constant
    self.scale = scale
    self.exponent = exponent
  }

  /// Floats of a pixel's maps with room for whole vectors and the window's margins.
  package var lineLength: Int { (maps + 15) / 16 * 16 + 2 * half + 16 }
}

/// How pooling windows lie on the maps of one image.
package struct PoolGrid: Sendable {
  /// Rows of input pixels.
  package var height: Int
  /// Input pixels in a row.
  package var width: Int
  /// Rows of windows.
  package var outputHeight: Int
  /// Windows in a row.
  package var outputWidth: Int
  /// Maps of a pixel.
  package var maps: Int
  /// Pixels along each axis of a window.
  package var size: Int
  /// Pixels between windows.
  package var stride: Int
  /// Rows and columns of nothing above and left of the map.
  package var padding: Int

  /// Makes a grid.
  package init(
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

/// How the windows of a direct convolution lie on one image whose padding is part of it.
package struct DirectGrid: Sendable {
  /// Rows of windows.
  package var outputHeight: Int
  /// Windows in a row, at least six.
  package var outputWidth: Int
  /// Kernels, at least sixteen.
  package var kernels: Int
  /// Pixels along each axis of a window.
  package var size: Int
  /// Pixels between windows.
  package var stride: Int
  /// Maps of a pixel.
  package var maps: Int
  /// Floats of a row of the image.
  package var rowLength: Int

  /// Makes a grid.
  package init(
    outputHeight: Int, outputWidth: Int, kernels: Int, size: Int, stride: Int, maps: Int,
    rowLength: Int
  ) {
    self.outputHeight = outputHeight
    self.outputWidth = outputWidth
    self.kernels = kernels
    self.size = size
    self.stride = stride
    self.maps = maps
    self.rowLength = rowLength
  }

  /// Floats of a window that lie side by side in a row of the image, at least six.
  package var lineTaps: Int { size * maps }
  /// Floats from a window to the next in its row.
  package var step: Int { stride * maps }
  /// Floats of a window.
  package var taps: Int { size * lineTaps }
}
