import Networks

/// A convolution with stride s seen as one with stride 1: squares of s x s pixels become one pixel
/// of s^2 times as many maps.
///
/// With the input padded and cut into squares, output (p, q) reads the squares (p, q) to (p + k -
/// 1, q + k - 1) for k = ceil(size / s); the kernel is filled up with zeros to k s x k s. conv1's
/// 11 x 11 x 3 under stride 4 becomes 3 x 3 x 48.
struct StrideRearrangement {
  let input: MapShape
  let output: MapShape
  let window: Window

  /// Squares along each axis of the kernel.
  var kernelSize: Int { (window.size + window.stride - 1) / window.stride }

  /// The maps that the convolution with stride 1 reads.
  var rearranged: MapShape {
    MapShape(
      height: output.height + kernelSize - 1, width: output.width + kernelSize - 1,
      maps: window.stride * window.stride * input.maps)
  }

  /// Lays an image out in squares.
  func rearrange(_ x: UnsafePointer<Float>, into target: UnsafeMutablePointer<Float>) {
    forEachRun { source, position, count in
      let run = target + position
      if let source {
        copy(x + source.offset, count: source.count, to: run)
        if source.count < count {
          (run + source.count).update(repeating: 0, count: count - source.count)
        }
      } else {
        run.update(repeating: 0, count: count)
      }
    }
  }

  /// Brings a gradient by the squares back to the image; each pixel lies in one square.
  func restore(_ squares: UnsafePointer<Float>, into dx: UnsafeMutablePointer<Float>) {
    dx.update(repeating: 0, count: input.count)
    forEachRun { source, position, _ in
      if let source { (dx + source.offset).update(from: squares + position, count: source.count) }
    }
  }

  /// A kernel of size x size x maps as one of squares.
  func rearrangeKernel(_ kernel: UnsafePointer<Float>, into target: UnsafeMutablePointer<Float>) {
    target.update(repeating: 0, count: kernelSize * kernelSize * rearranged.maps)
    forEachKernelRow { row, position, count in
      (target + position).update(from: kernel + row, count: count)
    }
  }

  /// The gradient by a kernel, taken from that by a kernel of squares.
  func restoreKernel(_ squares: UnsafePointer<Float>, into kernel: UnsafeMutablePointer<Float>) {
    forEachKernelRow { row, position, count in
      (kernel + row).update(from: squares + position, count: count)
    }
  }

  /// The runs of one row of a square: where the pixels come from, if any, and where they go.
  @inline(__always)
  private func forEachRun(
    _ body: (_ source: (offset: Int, count: Int)?, _ position: Int, _ count: Int) -> Void
  ) {
    precondition(window.padding == 0, "A window with padding must use patches.")
    let (s, maps) = (window.stride, input.maps)
    for down in 0..<rearranged.height {
      for row in 0..<s {
        let y = down * s + row
        for across in 0..<rearranged.width {
          let position = ((down * rearranged.width + across) * s + row) * s * maps
          let pixels = min(s, input.width - across * s)
          let isInside = y < input.height && pixels > 0
          body(
            isInside ? ((y * input.width + across * s) * maps, pixels * maps) : nil, position,
            s * maps
          )
        }
      }
    }
  }

  /// A run is a few numbers long: a call of memmove for each would cost more than the copying.
  @inline(__always)
  private func copy(
    _ source: UnsafePointer<Float>, count: Int, to target: UnsafeMutablePointer<Float>
  ) {
    guard count % 4 == 0 else { return target.update(from: source, count: count) }
    for i in stride(from: 0, to: count, by: 4) {
      let numbers = UnsafeRawPointer(source + i).loadUnaligned(as: SIMD4<Float>.self)
      UnsafeMutableRawPointer(target + i).storeBytes(of: numbers, as: SIMD4<Float>.self)
    }
  }

  private func forEachKernelRow(_ body: (_ row: Int, _ position: Int, _ count: Int) -> Void) {
    let (s, size, maps) = (window.stride, window.size, input.maps)
    for y in 0..<size {
      for x in stride(from: 0, to: size, by: s) {
        let square = (y / s) * kernelSize + x / s
        body(
          (y * size + x) * maps, (square * s + y % s) * s * maps, min(s, size - x) * maps)
      }
    }
  }
}
