import Kernels

/// Pixels that are worked on together: what is stored for the windows has then left the store
/// buffer when it is read at other offsets.
private let blockPixels = 8

func normalize(
  _ shape: NormalizationShape, _ x: UnsafePointer<Float>, pixels: Int,
  into y: UnsafeMutablePointer<Float>
) {
  if isUsual(shape) {
    normalize(shape, isUsual: true, x, pixels: pixels, into: y)
  } else {
    normalize(shape, isUsual: false, x, pixels: pixels, into: y)
  }
}

func normalizationGradient(
  _ shape: NormalizationShape, _ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, pixels: Int,
  into dx: UnsafeMutablePointer<Float>
) {
  if isUsual(shape) {
    gradient(shape, isUsual: true, x, dy, pixels: pixels, into: dx)
  } else {
    gradient(shape, isUsual: false, x, dy, pixels: pixels, into: dx)
  }
}

/// Whether a layer has the paper's window and exponent, and maps that fill whole vectors: the loops
/// then have nothing to choose.
private func isUsual(_ shape: NormalizationShape) -> Bool {
  shape.half == 2 && shape.exponent == 0.75 && shape.maps % 16 == 0
}

@inline(__always)
private func normalize(
  _ shape: NormalizationShape, isUsual: Bool, _ x: UnsafePointer<Float>, pixels: Int,
  into y: UnsafeMutablePointer<Float>
) {
  let (maps, line) = (shape.maps, shape.lineLength)
  withZeros(count: blockPixels * line) { squares in
    var pixel = 0
    while pixel < pixels {
      let count = min(blockPixels, pixels - pixel)
      square(shape, isUsual: isUsual, x + pixel * maps, pixels: count, into: squares)
      for p in 0..<count {
        let (source, square) = (x + (pixel + p) * maps, squares + p * line + shape.half)
        let target = y + (pixel + p) * maps
        var map = 0
        while map < maps {
          let lanes = isUsual ? 16 : maps - map
          let d = denominator(shape, isUsual: isUsual, square + map)
          let power = inverses(d, isUsual ? 0.75 : shape.exponent).power
          store(load(source + map, count: lanes) * power, target + map, count: lanes)
          map += 16
        }
      }
      pixel += count
    }
  }
}

@inline(__always)
private func gradient(
  _ shape: NormalizationShape, isUsual: Bool, _ x: UnsafePointer<Float>,
  _ dy: UnsafePointer<Float>, pixels: Int, into dx: UnsafeMutablePointer<Float>
) {
  let (maps, line) = (shape.maps, shape.lineLength)
  let factor = -2 * shape.scale * shape.exponent
  withZeros(count: 2 * blockPixels * line) { squares in
    let ratios = squares + blockPixels * line
    var pixel = 0
    while pixel < pixels {
      let count = min(blockPixels, pixels - pixel)
      square(shape, isUsual: isUsual, x + pixel * maps, pixels: count, into: squares)
      for p in 0..<count {
        let (source, square) = (x + (pixel + p) * maps, squares + p * line + shape.half)
        let ratio = ratios + p * line + shape.half
        let (gradient, target) = (dy + (pixel + p) * maps, dx + (pixel + p) * maps)
        var map = 0
        while map < maps {
          let lanes = isUsual ? 16 : maps - map
          let d = denominator(shape, isUsual: isUsual, square + map)
          let (power, inverse) = inverses(d, isUsual ? 0.75 : shape.exponent)
          let direct = load(gradient + map, count: lanes) * power
          store(direct, target + map, count: lanes)
          store(direct * load(source + map, count: lanes) * inverse, ratio + map, count: lanes)
          map += 16
        }
      }
      for p in 0..<count {
        let source = x + (pixel + p) * maps
        let (ratio, target) = (ratios + p * line + shape.half, dx + (pixel + p) * maps)
        var map = 0
        while map < maps {
          let lanes = isUsual ? 16 : maps - map
          let sum = windowSum(ratio + map, half: shape.half, isUsual: isUsual)
          let scaled = factor * load(source + map, count: lanes)
          store(
            multiplyAdd(load(target + map, count: lanes), scaled, sum), target + map, count: lanes)
          map += 16
        }
      }
      pixel += count
    }
  }
}

/// The squares of a block's pixels, each pixel's in a line of its own between margins of zeros.
@inline(__always)
private func square(
  _ shape: NormalizationShape, isUsual: Bool, _ x: UnsafePointer<Float>, pixels: Int,
  into squares: UnsafeMutablePointer<Float>
) {
  for p in 0..<pixels {
    let (source, square) = (x + p * shape.maps, squares + p * shape.lineLength + shape.half)
    var map = 0
    while map < shape.maps {
      let lanes = isUsual ? 16 : shape.maps - map
      let value = load(source + map, count: lanes)
      store(value * value, square + map, count: lanes)
      map += 16
    }
  }
}

/// d = k + s times the sum of the squares in the window.
@inline(__always)
private func denominator(
  _ shape: NormalizationShape, isUsual: Bool, _ square: UnsafePointer<Float>
) -> Vector {
  multiplyAdd(
    Vector(repeating: shape.constant), shape.scale,
    windowSum(square, half: shape.half, isUsual: isUsual))
}

@inline(__always)
private func windowSum(_ centre: UnsafePointer<Float>, half: Int, isUsual: Bool) -> Vector {
  // The paper's window of five, unrolled.
  if isUsual {
    return (load(centre - 2) + load(centre - 1)) + (load(centre) + load(centre + 1))
      + load(centre + 2)
  }
  var sum = Vector()
  for offset in -half...half { sum += load(centre + offset) }
  return sum
}

/// d^-exponent and 1 / d.
@inline(__always)
private func inverses(_ d: Vector, _ exponent: Float) -> (power: Vector, whole: Vector) {
  guard exponent == 0.75 else { return (inversePower(d, exponent), 1 / d) }
  let root = inverseFourthRoot(d)
  let square = root * root
  return (square * root, square * square)
}

/// d^-1/4 for positive d, without a division or a root: both take ten times as long as a product.
///
/// A quarter of the exponent is subtracted in the number's bits (relative error 0.03), and two steps
/// of r <- r (1 + h/4 + 5/32 h^2) with h = 1 - d r^4, the start of (1 - h)^-1/4, leave 1e-7.
@inline(__always)
private func inverseFourthRoot(_ d: Vector) -> Vector {
  let bits = 0x4F58_51EB &- (unsafeBitCast(d, to: SIMD16<UInt32>.self) &>> 2)
  var root = unsafeBitCast(bits, to: Vector.self)
  for _ in 0..<2 {
    let square = root * root
    let h = multiplyAdd(Vector(repeating: 1), -d, square * square)
    root = multiplyAdd(root, root * h, multiplyAdd(Vector(repeating: 0.25), 5 / 32, h))
  }
  return root
}

@inline(__always)
private func withZeros(count: Int, _ body: (UnsafeMutablePointer<Float>) -> Void) {
  withUnsafeTemporaryAllocation(byteCount: count * 4, alignment: 64) { bytes in
    let start = bytes.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: Float.self)
    start.initialize(repeating: 0, count: count)
    body(start)
  }
}
