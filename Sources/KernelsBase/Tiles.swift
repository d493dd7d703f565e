import Kernels

/// Room for `count` numbers of sixteen maps between the two axes.
@inline(__always)
func withLines(count: Int, _ body: (UnsafeMutablePointer<Float>) -> Void) {
  withUnsafeTemporaryAllocation(byteCount: count * 64, alignment: 64) { bytes in
    body(bytes.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: Float.self))
  }
}

/// The tiles of a grid: their number and their first output row and column.
@inline(__always)
private func forEachTile(_ grid: TileGrid, _ body: (_ tile: Int, _ row: Int, _ column: Int) -> Void)
{
  var tile = 0
  for down in 0..<grid.tilesDown {
    for across in 0..<grid.tilesAcross {
      body(tile, down * grid.outputs, across * grid.outputs)
      tile += 1
    }
  }
}

/// The square of pixels that a tile reads of a plane, which it may stick out of.
private struct Square {
  /// Floats from the plane's start to the square's first pixel, were it there.
  let corner: Int
  /// Floats from one row of the plane to the next.
  let line: Int
  let side: Int
  let maps: Int
  /// The rows and columns of the square that lie on the plane.
  let rows: Range<Int>
  let columns: Range<Int>

  @inline(__always)
  init(height: Int, width: Int, maps: Int, top: Int, left: Int, side: Int) {
    @inline(__always)
    func covered(_ start: Int, _ length: Int) -> Range<Int> {
      max(0, -start)..<max(max(0, -start), min(side, length - start))
    }
    (self.side, self.maps, line) = (side, maps, width * maps)
    corner = top * line + left * maps
    (rows, columns) = (covered(top, height), covered(left, width))
  }

  @inline(__always)
  var isInside: Bool { rows.count == side && columns.count == side }

  /// Sixteen maps of the square: where they lie on the plane, or a copy with zeros around it, which
  /// are there already.
  @inline(__always)
  func vectors(
    _ plane: UnsafePointer<Float>, map: Int, copy: UnsafeMutablePointer<Float>
  ) -> (start: UnsafePointer<Float>, pixelStride: Int, rowStride: Int) {
    let start = plane + (corner + map)
    if isInside { return (start, maps, line) }
    for i in rows {
      for j in columns { store(load(start + (i * line + j * maps)), copy + (i * side + j) * 16) }
    }
    return (UnsafePointer(copy), 16, side * 16)
  }
}

func tilesFromInput<Size: TileSize>(
  _ size: Size.Type, _ grid: TileGrid, _ x: UnsafePointer<Float>, _ c: UnsafePointer<Float>,
  _ v: TileStorage
) {
  let (side, maps) = (Size.size, v.maps)
  withLines(count: 2 * Size.size * Size.size) { tile in
    let copy = tile + side * side * 16
    forEachTile(grid) { number, row, column in
      let square = Square(
        height: grid.height, width: grid.width, maps: maps, top: row - grid.padding,
        left: column - grid.padding, side: side)
      if !square.isInside { copy.update(repeating: 0, count: side * side * 16) }
      let target = v.start + number * maps
      var map = 0
      while map < maps {
        let (start, pixelStride, rowStride) = square.vectors(x, map: map, copy: copy)
        for j in 0..<side {
          let pixel = start + j * pixelStride
          Size.toPoints(
            c, { load(pixel + $0 * rowStride) }, { store($1, tile + ($0 * side + j) * 16) })
        }
        for i in 0..<side {
          let line = tile + i * side * 16
          let point = target + i * side * v.pointStride + map
          Size.toPoints(c, { load(line + $0 * 16) }, { store($1, point + $0 * v.pointStride) })
        }
        map += 16
      }
    }
  }
}

@inline(__always)
func outputFromTiles<Size: TileSize>(
  _ size: Size.Type, outputs: Int, _ grid: TileGrid, _ m: TileStorage, _ c: UnsafePointer<Float>,
  _ bias: UnsafePointer<Float>?, _ accumulates: Bool, _ y: UnsafeMutablePointer<Float>
) {
  let (side, maps) = (Size.size, m.maps)
  withLines(count: Size.size * Size.size) { tile in
    forEachTile(grid) { number, row, column in
      let source = m.start + number * maps
      let rows = min(outputs, grid.outputHeight - row)
      let columns = min(outputs, grid.outputWidth - column)
      var map = 0
      while map < maps {
        for j in 0..<side {
          let point = source + j * m.pointStride + map
          Size.toOutputs(
            outputs, c, { load(point + $0 * side * m.pointStride) },
            { store($1, tile + ($0 * side + j) * 16) })
        }
        let offset = bias.map { load($0 + map) } ?? Vector()
        for i in 0..<rows {
          let line = tile + i * side * 16
          let pixel = y + ((row + i) * grid.outputWidth + column) * maps + map
          Size.toOutputs(outputs, c, { load(line + $0 * 16) }) { j, sum in
            if j < columns {
              let before = accumulates ? load(pixel + j * maps) : Vector()
              store(before + (sum + offset), pixel + j * maps)
            }
          }
        }
        map += 16
      }
    }
  }
}

@inline(__always)
func tilesFromOutput<Size: TileSize>(
  _ size: Size.Type, outputs: Int, _ grid: TileGrid, _ dy: UnsafePointer<Float>,
  _ c: UnsafePointer<Float>, _ m: TileStorage
) {
  let (side, maps) = (Size.size, m.maps)
  withLines(count: 2 * Size.size * Size.size) { tile in
    let copy = tile + side * side * 16
    forEachTile(grid) { number, row, column in
      let square = Square(
        height: grid.outputHeight, width: grid.outputWidth, maps: maps, top: row, left: column,
        side: outputs)
      if !square.isInside { copy.update(repeating: 0, count: outputs * outputs * 16) }
      let target = m.start + number * maps
      var map = 0
      while map < maps {
        let (start, pixelStride, rowStride) = square.vectors(dy, map: map, copy: copy)
        for j in 0..<outputs {
          let pixel = start + j * pixelStride
          Size.fromOutputsToPoints(
            outputs, c, { load(pixel + $0 * rowStride) }, { store($1, tile + ($0 * side + j) * 16) }
          )
        }
        for i in 0..<side {
          let line = tile + i * side * 16
          let point = target + i * side * m.pointStride + map
          Size.fromOutputsToPoints(
            outputs, c, { load(line + $0 * 16) }, { store($1, point + $0 * m.pointStride) })
        }
        map += 16
      }
    }
  }
}

func inputFromTiles<Size: TileSize>(
  _ size: Size.Type, _ grid: TileGrid, _ v: TileStorage, _ c: UnsafePointer<Float>,
  _ dx: UnsafeMutablePointer<Float>
) {
  let (side, maps) = (Size.size, v.maps)
  withLines(count: Size.size * Size.size) { tile in
    forEachTile(grid) { number, row, column in
      let source = v.start + number * maps
      let (top, left) = (row - grid.padding, column - grid.padding)
      var map = 0
      while map < maps {
        for j in 0..<side {
          let point = source + j * v.pointStride + map
          Size.fromPointsToPixels(
            c, { load(point + $0 * side * v.pointStride) },
            { store($1, tile + ($0 * side + j) * 16) })
        }
        for i in max(0, -top)..<max(max(0, -top), min(side, grid.height - top)) {
          let line = tile + i * side * 16
          let pixel = dx + ((top + i) * grid.width + left) * maps + map
          Size.fromPointsToPixels(c, { load(line + $0 * 16) }) { j, sum in
            if left + j >= 0 && left + j < grid.width {
              store(load(pixel + j * maps) + sum, pixel + j * maps)
            }
          }
        }
        map += 16
      }
    }
  }
}
