import TestSupport
import Tensors
import Testing

@Suite struct UnpackedProductTests {
  /// C = A B with rows in gaps that must not be written; the sums in `expected` are in Double.
  struct Product {
    var rows: Int
    var columns: Int
    var inner: Int
    let a: [Float]
    let b: [Float]

    init(_ rows: Int, _ columns: Int, _ inner: Int) {
      (self.rows, self.columns, self.inner) = (rows, columns, inner)
      var random = SmallRandom(UInt64(rows * columns + inner))
      a = random.uniforms(rows * (inner + 3))
      b = random.uniforms(inner * (columns + 16))
    }

    func result(rowsAtOnce: Int) -> [Float] {
      let (first, second) = (Tensor([a.count], values: a), Tensor([b.count], values: b))
      let c = Tensor([rows * (columns + 1)], values: [], then: -7)
      for row in stride(from: 0, to: rows, by: rowsAtOnce) {
        UnpackedProduct(
          rows: min(rowsAtOnce, rows - row), columns: columns, inner: inner, aStride: inner + 3,
          bStride: columns + 16, cStride: columns + 1
        ).multiply(
          first.pointer + row * (inner + 3), second.pointer,
          into: c.pointer + row * (columns + 1))
      }
      return c.values()
    }

    var expected: [Double] {
      var result: [Double] = []
      for row in 0..<rows {
        for column in 0..<columns {
          var sum = 0.0
          for i in 0..<inner {
            sum += Double(a[row * (inner + 3) + i]) * Double(b[i * (columns + 16) + column])
          }
          result.append(sum)
        }
        result.append(-7)
      }
      return result
    }
  }

  @Test(arguments: [(1, 16, 1), (48, 64, 32), (49, 80, 48), (121, 48, 48), (7, 5, 9), (97, 208, 3)])
  func agreesWithSumsInDouble(rows: Int, columns: Int, inner: Int) {
    let product = Product(rows, columns, inner)
    #expect(relativeError(product.result(rowsAtOnce: rows), product.expected) < 1e-6)
  }

  @Test(arguments: [(1, 16, 1), (49, 80, 48), (121, 48, 50), (97, 208, 67)])
  func factorsInOtherOrdersGiveTheSameSums(rows: Int, columns: Int, inner: Int) {
    let product = Product(rows, columns, inner)
    let turned = Tensor(inner, rows + 1)
    for row in 0..<rows {
      for i in 0..<inner { turned.pointer[i * (rows + 1) + row] = product.a[row * (inner + 3) + i] }
    }
    var inBlocks: [Float] = []
    for block in UnpackedProduct.columnBlocks(columns) {
      for i in 0..<inner {
        for column in block { inBlocks.append(product.b[i * (columns + 16) + column]) }
      }
    }
    let blocked = Tensor([inBlocks.count], values: inBlocks)
    for accumulates in [false, true] {
      let c = Tensor([rows * (columns + 1)], values: [], then: -7)
      if accumulates {
        for row in 0..<rows {
          for column in 0..<columns { c.pointer[row * (columns + 1) + column] = 2 }
        }
      }
      UnpackedProduct(
        rows: rows, columns: columns, inner: inner, aIsTransposed: true, aStride: rows + 1,
        bIsInBlocks: true,
        cStride: columns + 1, accumulates: accumulates, rowBlock: 40, innerBlock: 32
      ).multiply(turned.pointer, blocked.pointer, into: c.pointer)
      let expected = product.expected.map { $0 == -7 || !accumulates ? $0 : $0 + 2 }
      #expect(relativeError(c.values(), expected) < 1e-6)
    }
  }

  @Test func rowsInAnyPortionsGiveTheSameBits() {
    let product = Product(121, 144, 192)
    let whole = product.result(rowsAtOnce: 121)
    for rows in [1, 50, 120] { #expect(product.result(rowsAtOnce: rows) == whole, "\(rows)") }
  }

  #if arch(x86_64)
    @Test func thisProcessorHasCode() {
      #expect(UnpackedProduct.isAvailable)
    }
  #endif
}
