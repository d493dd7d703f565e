import Kernels

/// The pixels of a window at a place along an axis that lie on the map.
@inline(__always)
private func covered(_ grid: PoolGrid, at place: Int, of length: Int) -> Range<Int> {
  let start = place * grid.stride - grid.padding
  return max(0, start)..<max(0, min(length, start + grid.size))
}

func maximum(
  _ grid: PoolGrid, _ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>,
  winner: UnsafeMutablePointer<UInt8>
) {
  let maps = grid.maps
  for row in 0..<grid.outputHeight {
    let rows = covered(grid, at: row, of: grid.height)
    for column in 0..<grid.outputWidth {
      let columns = covered(grid, at: column, of: grid.width)
      let top = row * grid.stride - grid.padding
      let left = column * grid.stride - grid.padding
      let place = (row * grid.outputWidth + column) * maps
      var map = 0
      while map < maps {
        let lanes = maps - map
        let first = (rows.lowerBound - top) * grid.size + columns.lowerBound - left
        let corner = x + (rows.lowerBound * grid.width + columns.lowerBound) * maps + map
        var best = load(corner, count: lanes)
        var number = SIMD16<Int32>(repeating: Int32(truncatingIfNeeded: first))
        for i in rows {
          for j in columns {
            let value = load(x + (i * grid.width + j) * maps + map, count: lanes)
            let index = Int32(truncatingIfNeeded: (i - top) * grid.size + j - left)
            let isLarger = value .> best
            best.replace(with: value, where: isLarger)
            number.replace(with: index, where: isLarger)
          }
        }
        store(best, y + place + map, count: lanes)
        let bytes = SIMD16<UInt8>(truncatingIfNeeded: number)
        if lanes >= 16 {
          UnsafeMutableRawPointer(winner + place + map).storeBytes(
            of: bytes, as: SIMD16<UInt8>.self)
        } else {
          for lane in 0..<lanes { winner[place + map + lane] = bytes[lane] }
        }
        map += 16
      }
    }
  }
}

/// Written from the input's side: each pixel adds up what the windows over it send back, and is
/// stored once.
func maximumGradient(
  _ grid: PoolGrid, _ dy: UnsafePointer<Float>, winner: UnsafePointer<UInt8>,
  into dx: UnsafeMutablePointer<Float>
) {
  let maps = grid.maps
  @inline(__always)
  func windows(over pixel: Int, places: Int) -> Range<Int> {
    let position = pixel + grid.padding
    let first = position < grid.size ? 0 : (position - grid.size) / grid.stride + 1
    return first..<max(first, min(places, position / grid.stride + 1))
  }
  for row in 0..<grid.height {
    let rows = windows(over: row, places: grid.outputHeight)
    for column in 0..<grid.width {
      let columns = windows(over: column, places: grid.outputWidth)
      let target = dx + (row * grid.width + column) * maps
      /// A window's winners and gradients, and the number that the pixel has in it.
      @inline(__always)
      func window(
        _ i: Int, _ j: Int
      ) -> (winner: UnsafePointer<UInt8>, dy: UnsafePointer<Float>, pixel: UInt8) {
        let place = (i * grid.outputWidth + j) * maps
        let pixel =
          (row + grid.padding - i * grid.stride) * grid.size + column + grid.padding
          - j * grid.stride
        return (winner + place, dy + place, UInt8(truncatingIfNeeded: pixel))
      }
      // Plain loops: the compiler makes better vectors of bytes and floats than SIMD types do. All
      // windows in one loop: with few maps a loop's beginning takes as long as the loop.
      let (top, left) = (rows.lowerBound, columns.lowerBound)
      switch rows.count * columns.count {
      case 1:
        let a = window(top, left)
        for map in 0..<maps { target[map] = a.winner[map] == a.pixel ? a.dy[map] : 0 }
      case 2:
        let (a, b) = (window(top, left), window(rows.upperBound - 1, columns.upperBound - 1))
        for map in 0..<maps {
          target[map] =
            (a.winner[map] == a.pixel ? a.dy[map] : 0) + (b.winner[map] == b.pixel ? b.dy[map] : 0)
        }
      case 4 where rows.count == 2:
        let (a, b) = (window(top, left), window(top, left + 1))
        let (c, d) = (window(top + 1, left), window(top + 1, left + 1))
        for map in 0..<maps {
          let first =
            (a.winner[map] == a.pixel ? a.dy[map] : 0) + (b.winner[map] == b.pixel ? b.dy[map] : 0)
          let second = first + (c.winner[map] == c.pixel ? c.dy[map] : 0)
          target[map] = second + (d.winner[map] == d.pixel ? d.dy[map] : 0)
        }
      default:
        target.update(repeating: 0, count: maps)
        for i in rows {
          for j in columns {
            let a = window(i, j)
            for map in 0..<maps { target[map] += a.winner[map] == a.pixel ? a.dy[map] : 0 }
          }
        }
      }
    }
  }
}
