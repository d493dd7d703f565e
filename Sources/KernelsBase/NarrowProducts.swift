import Kernels

/// y = w x, or y += w x, for rows of weights of 16 bits, two rows at a time.
func narrowProducts(
  _ weights: UnsafePointer<UInt32>, rows: Int, blocks: Int, _ x: UnsafePointer<Float>,
  accumulates: Bool, into y: UnsafeMutablePointer<Float>
) {
  let length = 16 * blocks
  for row in stride(from: 0, to: rows, by: 2) {
    let first = weights + row * length
    // Of an odd number of rows the last one is computed twice.
    let second = row + 1 < rows ? first + length : first
    var (a, b) = (Vector.zero, Vector.zero)
    var (c, d) = (Vector.zero, Vector.zero)
    for block in 0..<blocks {
      let low = load(x + (32 * block))
      let high = load(x + (32 * block + 16))
      let (p, q) = (loadPairs(first + (16 * block)), loadPairs(second + (16 * block)))
      a = productAdded(a, lowHalves(p), low)
      b = productAdded(b, lowHalves(q), low)
      c = productAdded(c, highHalves(p), high)
      d = productAdded(d, highHalves(q), high)
    }
    y[row] = (accumulates ? y[row] : 0) + (a + c).sum()
    if row + 1 < rows { y[row + 1] = (accumulates ? y[row + 1] : 0) + (b + d).sum() }
  }
}

/// The numbers of weights of 16 bits, a row after the other.
func widen(_ weights: UnsafePointer<UInt32>, blocks: Int, into y: UnsafeMutablePointer<Float>) {
  for block in 0..<blocks {
    let pairs = loadPairs(weights + (16 * block))
    store(lowHalves(pairs), y + (32 * block))
    store(highHalves(pairs), y + (32 * block + 16))
  }
}

// A number of 16 bits is the upper half of a float. Two of them in each lane of a vector become two
// vectors of floats by a shift and by a mask, which is quicker than to spread sixteen halves.

@inline(__always)
private func productAdded(_ a: Vector, _ b: Vector, _ c: Vector) -> Vector {
  #if BASELINE_KERNELS && !arch(arm64)
    a + b * c
  #else
    a.addingProduct(b, c)
  #endif
}

@inline(__always)
private func loadPairs(_ pointer: UnsafePointer<UInt32>) -> SIMD16<UInt32> {
  UnsafeRawPointer(pointer).loadUnaligned(as: SIMD16<UInt32>.self)
}

@inline(__always)
private func lowHalves(_ pairs: SIMD16<UInt32>) -> Vector {
  unsafeBitCast(pairs &<< 16, to: Vector.self)
}

@inline(__always)
private func highHalves(_ pairs: SIMD16<UInt32>) -> Vector {
  unsafeBitCast(pairs & 0xFFFF_0000, to: Vector.self)
}
