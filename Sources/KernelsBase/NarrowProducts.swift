import Kernels

/// y = w x, or y += w x, for rows of weights of 16 bits, eight rows at a time.
func narrowProducts(
  _ weights: UnsafePointer<UInt32>, rows: Int, blocks: Int, _ x: UnsafePointer<Float>,
  accumulates: Bool, into y: UnsafeMutablePointer<Float>
) {
  var row = 0
  while row < rows {
    let count = row + 8 <= rows ? 8 : 1
    let first = weights + row * 16 * blocks
    if count == 8 {
      products(8, first, blocks: blocks, x, accumulates, into: y + row)
    } else {
      products(1, first, blocks: blocks, x, accumulates, into: y + row)
    }
    row += count
  }
}

@inline(__always)
private func products(
  _ rows: Int, _ weights: UnsafePointer<UInt32>, blocks: Int, _ x: UnsafePointer<Float>,
  _ accumulates: Bool, into y: UnsafeMutablePointer<Float>
) {
  var sums = InlineArray<8, Vector>(repeating: Vector())
  for block in 0..<blocks {
    let (low, high) = (load(x + (32 * block)), load(x + (32 * block + 16)))
    unrolled(rows) {
      let pairs = loadPairs(weights + 16 * ($0 * blocks + block))
      sums[$0] = multiplyAdd(
        multiplyAdd(sums[$0], lowHalves(pairs), low), highHalves(pairs), high)
    }
  }
  unrolled(rows) { y[$0] = (accumulates ? y[$0] : 0) + sums[$0].sum() }
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
