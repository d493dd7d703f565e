/// How the tiles of Winograd's algorithm lie on the maps of one image.
///
/// The outputs are cut into squares of `outputs` x `outputs`; each comes from `size` x `size` =
/// (outputs + kernel - 1)^2 input pixels, so that neighbouring tiles overlap in the input. What
/// lies beyond the edges is zero when it is read and dropped when it is written.
package struct TileGrid: Equatable, Sendable {
  /// Rows of input pixels.
  package var height: Int
  /// Input pixels in a row.
  package var width: Int
  /// Rows of output pixels.
  package var outputHeight: Int
  /// Output pixels in a row.
  package var outputWidth: Int
  /// Rows and columns of zeros above and left of the input.
  package var padding: Int
  /// Numbers along each axis of a tile: 6 to 9.
  package var size: Int
  /// Outputs along each axis of a tile.
  package var outputs: Int

  /// Makes a grid.
  package init(
    height: Int, width: Int, outputHeight: Int, outputWidth: Int, padding: Int, size: Int,
    outputs: Int
  ) {
    self.height = height
    self.width = width
    self.outputHeight = outputHeight
    self.outputWidth = outputWidth
    self.padding = padding
    self.size = size
    self.outputs = outputs
  }

  /// Tiles above each other.
  package var tilesDown: Int { (outputHeight + outputs - 1) / outputs }
  /// Tiles side by side.
  package var tilesAcross: Int { (outputWidth + outputs - 1) / outputs }
  /// Tiles of an image.
  package var tiles: Int { tilesDown * tilesAcross }
  /// Numbers of a tile.
  package var points: Int { size * size }
}

/// Where the numbers of tiles lie: point x tile x map, so that each point is a matrix of tiles x
/// maps.
package struct TileStorage {
  /// The first point of the first tile.
  package var start: UnsafeMutablePointer<Float>
  /// Floats from one point to the next.
  package var pointStride: Int
  /// Maps of a tile; a multiple of 16.
  package var maps: Int

  /// Makes a storage.
  package init(start: UnsafeMutablePointer<Float>, pointStride: Int, maps: Int) {
    self.start = start
    self.pointStride = pointStride
    self.maps = maps
  }
}

/// A kernel that is transformed to points.
package struct KernelShape: Sendable {
  /// Numbers along each axis of a tile.
  package var size: Int
  /// Pixels along each axis of the kernel: 3 or 5.
  package var pixels: Int
  /// Maps of a pixel that are transformed; a multiple of 16.
  package var maps: Int
  /// Floats from a pixel to the next.
  package var pixelStride: Int

  /// Makes a shape; pixels lie side by side where nothing else is said.
  package init(size: Int, pixels: Int, maps: Int, pixelStride: Int? = nil) {
    self.size = size
    self.pixels = pixels
    self.maps = maps
    self.pixelStride = pixelStride ?? maps
  }
}
