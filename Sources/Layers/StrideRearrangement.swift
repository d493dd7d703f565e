import Networks

/// A convolution with stride s seen as one with stride 1: squares of s x s pixels become one pixel
/// of s^2 times as many maps, filled up with zeros to whole vectors.
///
/// With stride 1 nothing but the zeros is new, and the padding is left to the tiles.
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
    let isStrided = window.stride > 1
    return MapShape(
      height: isStrided ? output.height + kernelSize - 1 : input.height,
      width: isStrided ? output.width + kernelSize - 1 : input.width,
      maps: (maps + 15) / 16 * 16)
  }

  /// The maps of a square before they are filled up.
  private var maps: Int { window.stride * window.stride * input.maps }

  /// Lays an image out in squares.
  func rearrange(_ x: UnsafePointer<Float>, into target: UnsafeMutablePointer<Float>) {
    let run = window.stride * input.maps
    forEachRow { source, squares in
      let row = target + squares
      var next = 0
      if let source {
        // A run is a few numbers long: a call of memmove for each would cost more than the copying.
        next = min(rearranged.width, input.width / window.stride)
        copy(x + source, runs: next, of: run, to: row)
        let rest = min(run, input.width * input.maps - next * run)
        if next < rearranged.width && rest > 0 {
          (row + next * rearranged.maps).update(from: x + source + next * run, count: rest)
          (row + next * rearranged.maps + rest).update(repeating: 0, count: run - rest)
          next += 1
        }
      }
      for square in next..<rearranged.width {
        (row + square * rearranged.maps).update(repeating: 0, count: run)
      }
    }
    let filling = rearranged.maps - maps
    guard filling > 0 else { return }
    for square in 0..<rearranged.pixels {
      (target + square * rearranged.maps + maps).update(repeating: 0, count: filling)
    }
  }

  /// Brings a gradient by the squares back to the image; each pixel lies in one square.
  func restore(_ squares: UnsafePointer<Float>, into dx: UnsafeMutablePointer<Float>) {
    let run = window.stride * input.maps
    dx.update(repeating: 0, count: input.count)
    forEachRow { source, position in
      guard let source else { return }
      for square in 0..<rearranged.width {
        let count = min(run, input.width * input.maps - square * run)
        guard count > 0 else { return }
        (dx + source + square * run).update(
          from: squares + position + square * rearranged.maps, count: count)
      }
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

  /// Each row of pixels that the squares have: where it begins on the image, if it lies there, and
  /// where its first square has it.
  ///
  /// Every square has the next `stride` pixels of the row, a run.
  @inline(__always)
  private func forEachRow(_ body: (_ source: Int?, _ squares: Int) -> Void) {
    precondition(
      window.stride == 1 || window.padding == 0, "A window with padding must use patches.")
    let run = window.stride * input.maps
    for down in 0..<rearranged.height {
      for row in 0..<window.stride {
        let y = down * window.stride + row
        body(
          y < input.height ? y * input.width * input.maps : nil,
          down * rearranged.width * rearranged.maps + row * run)
      }
    }
  }

  /// Copies runs that follow each other to as many squares.
  @inline(__always)
  private func copy(
    _ source: UnsafePointer<Float>, runs: Int, of length: Int, to row: UnsafeMutablePointer<Float>
  ) {
    let square = rearranged.maps
    for number in 0..<runs {
      let (from, to) = (source + number * length, row + number * square)
      var i = 0
      while i + 4 <= length {
        let numbers = UnsafeRawPointer(from + i).loadUnaligned(as: SIMD4<Float>.self)
        UnsafeMutableRawPointer(to + i).storeBytes(of: numbers, as: SIMD4<Float>.self)
        i += 4
      }
      while i < length {
        to[i] = from[i]
        i += 1
      }
    }
  }

  private func forEachKernelRow(_ body: (_ row: Int, _ position: Int, _ count: Int) -> Void) {
    let (s, size, maps) = (window.stride, window.size, input.maps)
    for y in 0..<size {
      for x in stride(from: 0, to: size, by: s) {
        let square = (y / s) * kernelSize + x / s
        body(
          (y * size + x) * maps, square * rearranged.maps + y % s * s * maps,
          min(s, size - x) * maps)
      }
    }
  }
}
