import Kernels

@inline(__always)
private func windowSum(_ centre: UnsafePointer<Float>, half: Int) -> Vector {
  // The paper's window of five, unrolled.
  if half == 2 {
    return (load(centre - 2) + load(centre - 1)) + (load(centre) + load(centre + 1))
      + load(centre + 2)
  }
  var sum = Vector()
  for offset in -half...half { sum += load(centre + offset) }
  return sum
}

/// Pixels that are worked on together: what is stored for the windows has then left the store
/// buffer when it is read at other offsets.
private let blockPixels = 8

/// The squares of a block's pixels, each pixel's in a line of its own between margins of zeros.
@inline(__always)
private func square(
  _ shape: NormalizationShape, _ x: UnsafePointer<Float>, pixels: Int,
  into squares: UnsafeMutablePointer<Float>
) {
  for p in 0..<pixels {
    let (source, square) = (x + p * shape.maps, squares + p * shape.lineLength + shape.half)
    var map = 0
    while map < shape.maps {
      let value = load(source + map, count: shape.maps - map)
      store(value * value, square + map, count: shape.maps - map)
      map += 16
    }
  }
}

func normalize(
  _ shape: NormalizationShape, _ x: UnsafePointer<Float>, pixels: Int,
  into y: UnsafeMutablePointer<Float>
) {
  let maps = shape.maps
  let line = shape.lineLength
  withZeros(count: blockPixels * line) { squares in
    var pixel = 0
    while pixel < pixels {
      let count = min(blockPixels, pixels - pixel)
      square(shape, x + pixel * maps, pixels: count, into: squares)
      for p in 0..<count {
        let (source, square) = (x + (pixel + p) * maps, squares + p * line + shape.half)
        let target = y + (pixel + p) * maps
        var map = 0
        while map < maps {
          let d = shape.constant + shape.scale * windowSum(square + map, half: shape.half)
          let value = load(source + map, count: maps - map) * inversePower(d, shape.exponent)
          store(value, target + map, count: maps - map)
          map += 16
        }
      }
      pixel += count
    }
  }
}

func normalizationGradient(
  _ shape: NormalizationShape, _ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, pixels: Int,
  into dx: UnsafeMutablePointer<Float>
) {
  let maps = shape.maps
  let line = shape.lineLength
  let factor = -2 * shape.scale * shape.exponent
  withZeros(count: 2 * blockPixels * line) { squares in
    let ratios = squares + blockPixels * line
    var pixel = 0
    while pixel < pixels {
      let count = min(blockPixels, pixels - pixel)
      square(shape, x + pixel * maps, pixels: count, into: squares)
      for p in 0..<count {
        let (source, square) = (x + (pixel + p) * maps, squares + p * line + shape.half)
        let ratio = ratios + p * line + shape.half
        let (gradient, target) = (dy + (pixel + p) * maps, dx + (pixel + p) * maps)
        var map = 0
        while map < maps {
          let d = shape.constant + shape.scale * windowSum(square + map, half: shape.half)
          let direct = load(gradient + map, count: maps - map) * inversePower(d, shape.exponent)
          store(direct, target + map, count: maps - map)
          store(
            direct * load(source + map, count: maps - map) / d, ratio + map, count: maps - map)
          map += 16
        }
      }
      for p in 0..<count {
        let source = x + (pixel + p) * maps
        let (ratio, target) = (ratios + p * line + shape.half, dx + (pixel + p) * maps)
        var map = 0
        while map < maps {
          let sum = windowSum(ratio + map, half: shape.half)
          let value = load(target + map, count: maps - map)
          store(
            value + factor * load(source + map, count: maps - map) * sum, target + map,
            count: maps - map)
          map += 16
        }
      }
      pixel += count
    }
  }
}

@inline(__always)
private func withZeros(count: Int, _ body: (UnsafeMutablePointer<Float>) -> Void) {
  withUnsafeTemporaryAllocation(byteCount: count * 4, alignment: 64) { bytes in
    let start = bytes.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: Float.self)
    start.initialize(repeating: 0, count: count)
    body(start)
  }
}
