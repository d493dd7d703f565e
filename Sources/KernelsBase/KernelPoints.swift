import Kernels

/// u = G g G^T for each map of one kernel, along one axis and then the other.
///
/// Points lie `stride` apart.
func pointsFromKernel(
  _ shape: KernelShape, _ kernel: UnsafePointer<Float>, _ g: UnsafePointer<Float>,
  into points: UnsafeMutablePointer<Float>, stride: Int
) {
  switch shape.pixels {
  case 3: pointsFromKernel(3, shape, kernel, g, into: points, stride: stride)
  default: pointsFromKernel(5, shape, kernel, g, into: points, stride: stride)
  }
}

/// The transpose of `pointsFromKernel`.
func kernelFromPoints(
  _ shape: KernelShape, _ points: UnsafePointer<Float>, stride: Int, _ g: UnsafePointer<Float>,
  into kernel: UnsafeMutablePointer<Float>
) {
  switch shape.pixels {
  case 3: kernelFromPoints(3, shape, points, stride: stride, g, into: kernel)
  default: kernelFromPoints(5, shape, points, stride: stride, g, into: kernel)
  }
}

/// A literal number of pixels lets the compiler unroll the loops over them.
@inline(__always)
private func pointsFromKernel(
  _ pixels: Int, _ shape: KernelShape, _ kernel: UnsafePointer<Float>, _ g: UnsafePointer<Float>,
  into points: UnsafeMutablePointer<Float>, stride: Int
) {
  let (size, maps, next) = (shape.size, shape.maps, shape.pixelStride)
  withLines(count: size * pixels) { lines in
    var map = 0
    while map < maps {
      for i in 0..<size {
        for s in 0..<pixels {
          var sum = Vector()
          for r in 0..<pixels {
            sum = multiplyAdd(sum, g[i * pixels + r], load(kernel + (r * pixels + s) * next + map))
          }
          store(sum, lines + (i * pixels + s) * 16)
        }
      }
      for i in 0..<size {
        for j in 0..<size {
          var sum = Vector()
          for s in 0..<pixels {
            sum = multiplyAdd(sum, g[j * pixels + s], load(lines + (i * pixels + s) * 16))
          }
          store(sum, points + (i * size + j) * stride + map)
        }
      }
      map += 16
    }
  }
}

@inline(__always)
private func kernelFromPoints(
  _ pixels: Int, _ shape: KernelShape, _ points: UnsafePointer<Float>, stride: Int,
  _ g: UnsafePointer<Float>, into kernel: UnsafeMutablePointer<Float>
) {
  let (size, maps, next) = (shape.size, shape.maps, shape.pixelStride)
  withLines(count: size * pixels) { lines in
    var map = 0
    while map < maps {
      for i in 0..<size {
        for s in 0..<pixels { store(Vector(), lines + (i * pixels + s) * 16) }
        for j in 0..<size {
          let point = load(points + (i * size + j) * stride + map)
          for s in 0..<pixels {
            let line = lines + (i * pixels + s) * 16
            store(multiplyAdd(load(line), g[j * pixels + s], point), line)
          }
        }
      }
      for r in 0..<pixels {
        for s in 0..<pixels {
          var sum = Vector()
          for i in 0..<size {
            sum = multiplyAdd(sum, g[i * pixels + r], load(lines + (i * pixels + s) * 16))
          }
          store(sum, kernel + (r * pixels + s) * next + map)
        }
      }
      map += 16
    }
  }
}
