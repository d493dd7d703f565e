import Kernels

/// y = w x, or y += w x, for rows of any length: eight rows at a time, since memory gives a core
/// more where it reads in several places.
func rowProducts(
  _ weights: UnsafePointer<Float>, rows: Int, length: Int, _ x: UnsafePointer<Float>,
  accumulates: Bool, into y: UnsafeMutablePointer<Float>
) {
  var row = 0
  while row < rows {
    let count = row + 8 <= rows ? 8 : 1
    let first = weights + row * length
    if count == 8 {
      products(8, first, length: length, x, accumulates, into: y + row)
    } else {
      products(1, first, length: length, x, accumulates, into: y + row)
    }
    row += count
  }
}

@inline(__always)
private func products(
  _ rows: Int, _ weights: UnsafePointer<Float>, length: Int, _ x: UnsafePointer<Float>,
  _ accumulates: Bool, into y: UnsafeMutablePointer<Float>
) {
  var sums = InlineArray<8, Vector>(repeating: Vector())
  var i = 0
  while i + 16 <= length {
    let vector = load(x + i)
    unrolled(rows) { sums[$0] = multiplyAdd(sums[$0], load(weights + ($0 * length + i)), vector) }
    i += 16
  }
  if i < length {
    let vector = load(x + i, count: length - i)
    unrolled(rows) {
      sums[$0] = multiplyAdd(
        sums[$0], load(weights + ($0 * length + i), count: length - i), vector)
    }
  }
  unrolled(rows) { y[$0] = (accumulates ? y[$0] : 0) + sums[$0].sum() }
}
