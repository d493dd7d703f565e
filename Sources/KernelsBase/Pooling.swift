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
      let first =
        (rows.lowerBound - row * grid.stride + grid.padding) * grid.size + columns.lowerBound
        - column * grid.stride + grid.padding
      let corner = x + (rows.lowerBound * grid.width + columns.lowerBound) * maps
      let place = (row * grid.outputWidth + column) * maps
      // Numbers that the compiler sees: it unrolls the loops over the paper's windows.
      if rows.count == 3 && columns.count == 3 && maps % 16 == 0 {
        var map = 0
        while map < maps {
          let (best, number) = largest(
            corner + map, rows: 3, columns: 3, lanes: 16, grid, first: first)
          store(best, y + place + map)
          UnsafeMutableRawPointer(winner + place + map).storeBytes(
            of: SIMD16<UInt8>(truncatingIfNeeded: number), as: SIMD16<UInt8>.self)
          map += 16
        }
        continue
      }
      for map in stride(from: 0, to: maps, by: 16) {
        let lanes = min(16, maps - map)
        let (best, number) = largest(
          corner + map, rows: rows.count, columns: columns.count, lanes: lanes, grid, first: first)
        store(best, y + place + map, count: lanes)
        for lane in 0..<lanes {
          winner[place + map + lane] = UInt8(truncatingIfNeeded: number[lane])
        }
      }
    }
  }
}

/// The largest numbers of a window's pixels, and which pixels of the window they are.
@inline(__always)
private func largest(
  _ corner: UnsafePointer<Float>, rows: Int, columns: Int, lanes: Int, _ grid: PoolGrid, first: Int
) -> (best: Vector, number: SIMD16<Int32>) {
  var best = load(corner, count: lanes)
  var number = SIMD16<Int32>(repeating: Int32(truncatingIfNeeded: first))
  for i in 0..<rows {
    for j in 0..<columns {
      let value = load(corner + (i * grid.width + j) * grid.maps, count: lanes)
      let isLarger = value .> best
      best.replace(with: value, where: isLarger)
      number.replace(
        with: Int32(truncatingIfNeeded: first + i * grid.size + j), where: isLarger)
    }
  }
  return (best, number)
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
      if rows.isEmpty || columns.isEmpty { target.update(repeating: 0, count: maps) }
      var isFirst = true
      for i in rows {
        for j in columns {
          let place = (i * grid.outputWidth + j) * maps
          let index = UInt8(
            truncatingIfNeeded: (row + grid.padding - i * grid.stride) * grid.size + column
              + grid.padding - j * grid.stride)
          // Plain loops: the compiler makes better vectors of bytes and floats than SIMD types do.
          let (winner, dy) = (winner + place, dy + place)
          if isFirst {
            for map in 0..<maps { target[map] = winner[map] == index ? dy[map] : 0 }
          } else {
            for map in 0..<maps { target[map] += winner[map] == index ? dy[map] : 0 }
          }
          isFirst = false
        }
      }
    }
  }
}
