import Foundation
import Tensors
import TestSupport
import Testing

@Suite struct MatrixProductTests {
  /// op(A) = [1 2 3; 4 5 6] and op(B) = [1 0; 2 1; -1 3], whose product is [2 11; 8 23].
  @Test(arguments: [Orientation.plain, .transposed], [Orientation.plain, .transposed])
  func productWorkedByHand(_ first: Orientation, _ second: Orientation) {
    let a = Tensor([6], values: first == .plain ? [1, 2, 3, 4, 5, 6] : [1, 4, 2, 5, 3, 6])
    let b = Tensor([6], values: second == .plain ? [1, 0, 2, 1, -1, 3] : [1, 2, -1, 0, 1, 3])
    let c = Tensor([4], values: [], then: .nan)
    BLAS.multiply(
      rows: 2, columns: 2, inner: 3,
      a.pointer, first, stride: first == .plain ? 3 : 2,
      b.pointer, second, stride: second == .plain ? 2 : 3,
      into: c.pointer, stride: 2)
    #expect(c.values() == [2, 11, 8, 23])
    BLAS.multiply(
      rows: 2, columns: 2, inner: 3,
      a.pointer, first, stride: first == .plain ? 3 : 2,
      b.pointer, second, stride: second == .plain ? 2 : 3, beta: 3,
      into: c.pointer, stride: 2)
    #expect(c.values() == [8, 44, 32, 92])
  }

  @Test func gapsBetweenRowsAreNotWritten() {
    // 2 x 2 matrices within rows of 3, 4 and 5 numbers.
    let a = Tensor([6], values: [1, 2, 99, 3, 4, 99])
    let b = Tensor([8], values: [5, 6, 99, 99, 7, 8, 99, 99])
    let c = Tensor([10], values: [], then: -1)
    BLAS.multiply(
      rows: 2, columns: 2, inner: 2, a.pointer, stride: 3, b.pointer, stride: 4, into: c.pointer,
      stride: 5)
    #expect(c.values() == [19, 22, -1, -1, -1, 43, 50, -1, -1, -1])
  }

  @Test func aLargeProductIsTheSumOfProducts() {
    let (rows, columns, inner) = (37, 53, 211)
    var random = SmallRandom(1)
    let (a, b) = (random.integers(rows * inner), random.integers(inner * columns))
    let (first, second) = (Tensor([a.count], values: a), Tensor([b.count], values: b))
    let c = Tensor(rows, columns)
    BLAS.multiply(
      rows: rows, columns: columns, inner: inner, first.pointer, stride: inner, second.pointer,
      stride: columns, into: c.pointer, stride: columns)
    for row in 0..<rows {
      for column in 0..<columns {
        let sum = (0..<inner).reduce(Float(0)) {
          $0 + a[row * inner + $1] * b[$1 * columns + column]
        }
        #expect(c.pointer[row * columns + column] == sum)
      }
    }
  }

  @Test func theLibraryNamesItself() {
    #expect(!BLAS.coreName.isEmpty)
  }

  /// The numbers are LIBXSMM's: 1003 has SSE3, 1005 AVX, 1006 AVX2, 1011 is Knights Mill, 1020 and more
  /// are servers with AVX-512.
  @Test(arguments: [
    ("Prescott", 1022, "SkylakeX"), ("Prescott", 1020, "SkylakeX"), ("Prescott", 1006, "Haswell"),
    ("Nehalem", 1006, "Haswell"), ("Sandybridge", 1006, "Haswell"), ("Prescott", 1011, "Haswell"),
    ("Prescott", 1003, nil), ("Sandybridge", 1005, nil), ("Zen", 1006, nil), ("Zen", 1022, nil),
    ("Haswell", 1006, nil), ("Cooperlake", 1022, nil), ("SkylakeX", 1020, nil),
    // Of a later OpenBLAS, and of another kind of processor.
    ("GraniteRapids", 1022, nil), ("ARMV8", 1002, nil),
  ])
  func processorsThatTheLibraryDoesNotKnowGetBetterKernels(
    core: String, processor: Int32, better: String?
  ) {
    #expect(BLAS.kernels(insteadOf: core, for: processor) == better)
  }

  @Test(
    .enabled("where the processor has AVX2") {
      try String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8).contains(" avx2 ")
    })
  func theLibraryUsesWhatThisProcessorHas() {
    #expect(!["Prescott", "Core2", "Nehalem", "Sandybridge"].contains(BLAS.coreName))
  }
}
