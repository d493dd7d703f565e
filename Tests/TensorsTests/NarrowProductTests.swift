import Tensors
import TestSupport
import Testing

/// Whole numbers up to 8 bits are bfloat16 numbers, and their sums floats: results are exact.
@Suite(.enabled(if: NarrowProduct.isAvailable)) struct NarrowProductTests {
  @Test(arguments: [
    (rows: 1, columns: 1, inner: 2), (32, 128, 1024), (5, 3, 6), (31, 67, 90), (128, 64, 512),
    (2, 250, 4), (17, 16, 34), (16, 17, 32), (33, 15, 2), (48, 49, 30),
  ])
  func sumsOfWholeNumbersAreExact(rows: Int, columns: Int, inner: Int) {
    var random = SmallRandom(UInt64(rows + columns + inner))
    let a = random.integers(rows * inner)
    let b = random.integers(inner * columns)
    func bits(_ number: Float) -> UInt32 { number.bitPattern >> 16 }
    let halves = a.map { UInt16(bits($0)) }
    // Rows in pairs, and a gap behind each.
    var words = [UInt32](repeating: 0, count: inner / 2 * (columns + 1))
    for pair in 0..<(inner / 2) {
      for column in 0..<columns {
        words[pair * (columns + 1) + column] =
          bits(b[2 * pair * columns + column]) | bits(b[(2 * pair + 1) * columns + column]) << 16
      }
    }
    for (unit, accumulates) in NarrowProduct.Unit.allCases.filter(\.isAvailable)
      .flatMap({ [($0, false), ($0, true)] })
    {
      let c = Tensor([rows * (columns + 2)], values: [], then: 3)
      NarrowProduct(
        rows: rows, columns: columns, inner: inner, aStride: inner, bStride: columns + 1,
        cStride: columns + 2, accumulates: accumulates, by: unit
      ).multiply(halves, words, into: c.pointer)
      var expected: [Float] = []
      for row in 0..<rows {
        for column in 0..<columns {
          let products = (0..<inner).map { a[row * inner + $0] * b[$0 * columns + column] }
          expected.append(products.reduce(accumulates ? 3 : 0, +))
        }
        expected += [3, 3]
      }
      #expect(c.values() == expected, "by \(unit)")
    }
  }
}
