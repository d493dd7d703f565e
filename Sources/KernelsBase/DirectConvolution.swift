import Kernels

/// y = b + sum over taps of w x, for six places of a row and sixteen kernels at a time, whose sums
/// stay in registers.
func directForward(
  _ grid: DirectGrid, _ x: UnsafePointer<Float>, weights: UnsafePointer<Float>,
  bias: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>
) {
  let (kernels, step) = (grid.kernels, grid.step)
  for row in 0..<grid.outputHeight {
    let top = x + row * grid.stride * grid.rowLength
    var column = 0
    while column < grid.outputWidth {
      // The last six overlap those before: their sums are the same.
      let start = min(column, grid.outputWidth - 6)
      let corner = top + start * step
      let target = y + (row * grid.outputWidth + start) * kernels
      var next = 0
      while next < kernels {
        // So do the last sixteen kernels.
        let k = min(next, kernels - 16)
        var (a, b, c) = (load(bias + k), load(bias + k), load(bias + k))
        var (d, e, f) = (a, b, c)
        var weight = weights + k
        for line in 0..<grid.size {
          var pixel = corner + line * grid.rowLength
          for _ in 0..<grid.lineTaps {
            let w = load(weight)
            a = multiplyAdd(a, pixel[0], w)
            b = multiplyAdd(b, pixel[step], w)
            c = multiplyAdd(c, pixel[2 * step], w)
            d = multiplyAdd(d, pixel[3 * step], w)
            e = multiplyAdd(e, pixel[4 * step], w)
            f = multiplyAdd(f, pixel[5 * step], w)
            weight += kernels
            pixel += 1
          }
        }
        store(a, target + k)
        store(b, target + kernels + k)
        store(c, target + 2 * kernels + k)
        store(d, target + 3 * kernels + k)
        store(e, target + 4 * kernels + k)
        store(f, target + 5 * kernels + k)
        next += 16
      }
      column += 6
    }
  }
}

/// dw += sum over places of dy x, for six taps of a line and sixteen kernels at a time.
func directWeightGradient(
  _ grid: DirectGrid, _ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>,
  into gradient: UnsafeMutablePointer<Float>
) {
  let (kernels, step) = (grid.kernels, grid.step)
  for line in 0..<grid.size {
    var tap = 0
    while tap < grid.lineTaps {
      // The last six overlap those before, and what those have is not added again.
      let start = min(tap, grid.lineTaps - 6)
      var next = 0
      while next < kernels {
        let k = min(next, kernels - 16)
        var (a, b, c) = (Vector(), Vector(), Vector())
        var (d, e, f) = (a, b, c)
        var place = dy + k
        for row in 0..<grid.outputHeight {
          var pixel = x + (row * grid.stride + line) * grid.rowLength + start
          for _ in 0..<grid.outputWidth {
            let g = load(place)
            a = multiplyAdd(a, pixel[0], g)
            b = multiplyAdd(b, pixel[1], g)
            c = multiplyAdd(c, pixel[2], g)
            d = multiplyAdd(d, pixel[3], g)
            e = multiplyAdd(e, pixel[4], g)
            f = multiplyAdd(f, pixel[5], g)
            place += kernels
            pixel += step
          }
        }
        let target = gradient + (line * grid.lineTaps + start) * kernels + k
        let (known, knownKernels) = (tap - start, next - k)
        if known < 1 { add(a, from: knownKernels, to: target) }
        if known < 2 { add(b, from: knownKernels, to: target + kernels) }
        if known < 3 { add(c, from: knownKernels, to: target + 2 * kernels) }
        if known < 4 { add(d, from: knownKernels, to: target + 3 * kernels) }
        if known < 5 { add(e, from: knownKernels, to: target + 4 * kernels) }
        add(f, from: knownKernels, to: target + 5 * kernels)
        next += 16
      }
      tap += 6
    }
  }
}

/// Adds the lanes of a vector but the first ones.
@inline(__always)
private func add(_ value: Vector, from first: Int, to target: UnsafeMutablePointer<Float>) {
  if first == 0 { return store(load(target) + value, target) }
  for lane in first..<16 { target[lane] += value[lane] }
}
