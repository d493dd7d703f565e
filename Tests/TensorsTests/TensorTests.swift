import Tensors
import Testing
import TestSupport

@Suite struct TensorTests {
  @Test func startsAsZerosInItsShape() {
    let tensor = Tensor(2, 3, 4)
    #expect(tensor.shape == [2, 3, 4] && tensor.count == 24 && tensor.elements.count == 24)
    #expect(tensor.values().allSatisfy { $0 == 0 })
  }

  @Test(arguments: [[0], [0, 5], [1], [3], [100, 7]]) func isAlignedToCacheLines(_ shape: [Int]) {
    #expect(UInt(bitPattern: Tensor(shape).pointer) % 64 == 0)
  }

  @Test func fillsAndCopies() {
    let tensor = Tensor(5)
    tensor.fill(2.5)
    #expect(tensor.values() == [2.5, 2.5, 2.5, 2.5, 2.5])
    let copy = Tensor(5, 1)
    copy.copy(from: tensor)
    tensor.fill(0)
    #expect(copy.values() == [2.5, 2.5, 2.5, 2.5, 2.5])
  }
}
