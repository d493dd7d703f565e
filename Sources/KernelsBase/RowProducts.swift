import Kernels

/// y = w x, or y += w x, for each of some vectors x and rows of w of any length: several rows at a
/// time, since memory gives a core more where it reads in several places.
func rowProducts(
  _ weights: UnsafePointer<Float>, rows: Int, length: Int, _ x: UnsafePointer<Float>, vectors: Int,
  accumulates: Bool, into y: UnsafeMutablePointer<Float>, stride: Int
) {
  // So few rows at a time that all vectors find them in a core's cache.
  var row = 0
  while row < rows {
    let count = min(24, rows - row)
    rowProducts(
      weights + row * length, rows: count, length: length, x, vectors: vectors, accumulates,
      into: y + row, stride)
    row += count
  }
}

private func rowProducts(
  _ weights: UnsafePointer<Float>, rows: Int, length: Int, _ x: UnsafePointer<Float>, vectors: Int,
  _ accumulates: Bool, into y: UnsafeMutablePointer<Float>, _ stride: Int
) {
  var vector = 0
  while vector < vectors {
    let (x, y, left) = (x + vector * length, y + vector * stride, vectors - vector)
    // Numbers that the compiler sees; their products stay in registers.
    if left >= 8 {
      rowProducts(3, 8, weights, rows: rows, length: length, x, accumulates, into: y, stride)
      vector += 8
    } else if left >= 4 {
      rowProducts(6, 4, weights, rows: rows, length: length, x, accumulates, into: y, stride)
      vector += 4
    } else if left >= 2 {
      rowProducts(8, 2, weights, rows: rows, length: length, x, accumulates, into: y, stride)
      vector += 2
    } else {
      rowProducts(8, 1, weights, rows: rows, length: length, x, accumulates, into: y, stride)
      vector += 1
    }
  }
}

@inline(__always)
private func rowProducts(
  _ rowsAtOnce: Int, _ vectors: Int, _ weights: UnsafePointer<Float>, rows: Int, length: Int,
  _ x: UnsafePointer<Float>, _ accumulates: Bool, into y: UnsafeMutablePointer<Float>, _ stride: Int
) {
  var row = 0
  while row + rowsAtOnce <= rows {
    products(
      rowsAtOnce, vectors, weights + row * length, length: length, x, accumulates, into: y + row,
      stride)
    row += rowsAtOnce
  }
  while row < rows {
    products(
      1, vectors, weights + row * length, length: length, x, accumulates, into: y + row, stride)
    row += 1
  }
}

/// The products of some rows with some vectors, at most 24.
@inline(__always)
private func products(
  _ rows: Int, _ vectors: Int, _ weights: UnsafePointer<Float>, length: Int,
  _ x: UnsafePointer<Float>, _ accumulates: Bool, into y: UnsafeMutablePointer<Float>, _ stride: Int
) {
  var sums = InlineArray<24, Vector>(repeating: Vector())
  var i = 0
  while i + 16 <= length {
    unrolled(rows) { row in
      let weight = load(weights + (row * length + i))
      unrolled(vectors) { vector in
        let place = row * vectors + vector
        sums[place] = multiplyAdd(sums[place], weight, load(x + (vector * length + i)))
      }
    }
    i += 16
  }
  if i < length {
    unrolled(rows) { row in
      let weight = load(weights + (row * length + i), count: length - i)
      unrolled(vectors) { vector in
        let place = row * vectors + vector
        let number = load(x + (vector * length + i), count: length - i)
        sums[place] = multiplyAdd(sums[place], weight, number)
      }
    }
  }
  unrolled(rows) { row in
    unrolled(vectors) { vector in
      let place = y + (vector * stride + row)
      place.pointee = (accumulates ? place.pointee : 0) + sums[row * vectors + vector].sum()
    }
  }
}
