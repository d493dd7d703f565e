import Glibc

/// A block of floats with a shape: the storage of activations, weights and their gradients.
///
/// The memory is aligned to cache lines, zero at first, and lives as long as the object. A tensor
/// is a reference: layers share it, a copy has to be written. Rows are contiguous, the last
/// dimension fastest; feature maps are images x height x width x maps (NHWC).
package final class Tensor: @unchecked Sendable {
  /// The lengths of the dimensions, the slowest first.
  package let shape: [Int]
  /// The number of elements.
  package let count: Int
  /// The first element.
  package let pointer: UnsafeMutablePointer<Float>
  /// Who keeps the memory; nil where it is the tensor's own.
  private let keeper: AnyObject?

  /// Bytes of a large page of the usual processors.
  private static let hugePage = 2 << 20
  /// Makes a tensor of zeros.
  package init(_ shape: [Int]) {
    precondition(shape.allSatisfy { $0 >= 0 }, "Dimensions must not be negative.")
    self.shape = shape
    keeper = nil
    count = shape.reduce(1, *)
    var memory: UnsafeMutableRawPointer?
    let bytes = max(64, count * MemoryLayout<Float>.stride)
    let isLarge = bytes >= 2 * Self.hugePage
    let code = posix_memalign(&memory, isLarge ? Self.hugePage : 64, bytes)
    guard code == 0, let memory else { fatalError("No memory for a tensor of shape \(shape).") }
    // Tiles and patches lie far apart: with pages of 4 KiB many of them miss the table of
    // addresses. Where the system has no large pages, small ones do as well.
    if isLarge { madvise(memory, bytes, MADV_HUGEPAGE) }
    pointer = memory.bindMemory(to: Float.self, capacity: max(16, count))
    // Written, not merely mapped: a page that is first touched in a training step costs a fault
    // there.
    pointer.update(repeating: 0, count: count)
  }

  /// Makes a tensor of memory that another object keeps, with the numbers that are there.
  package init(_ shape: [Int], at memory: UnsafeMutableRawPointer, of keeper: AnyObject) {
    self.shape = shape
    count = shape.reduce(1, *)
    pointer = memory.bindMemory(to: Float.self, capacity: count)
    self.keeper = keeper
  }

  /// Makes a tensor of zeros.
  package convenience init(_ shape: Int...) { self.init(shape) }

  /// The rows of another tensor from one on: the same memory, which lives as long as this one.
  package convenience init(_ whole: Tensor, rows: Range<Int>) {
    let row = Array(whole.shape.dropFirst())
    self.init(whole, rows: rows, of: row)
  }

  /// Some rows of a shape of another tensor, whatever its own: the same memory, which lives as long
  /// as this one.
  package convenience init(_ whole: Tensor, rows: Range<Int>, of row: [Int]) {
    let length = row.reduce(1, *)
    precondition(
      rows.lowerBound >= 0 && rows.upperBound * length <= whole.count,
      "The rows must lie within the tensor.")
    self.init([rows.count] + row, at: whole.pointer + rows.lowerBound * length, of: whole)
  }

  deinit { if keeper == nil { free(pointer) } }

  /// The elements, for reading and writing; bounds are checked in debug builds.
  package var elements: UnsafeMutableBufferPointer<Float> {
    UnsafeMutableBufferPointer(start: pointer, count: count)
  }

  /// Sets every element to one value.
  package func fill(_ value: Float) { pointer.update(repeating: value, count: count) }

  /// Gives the tensor's own memory back to the system; all elements are zero from then on.
  package func discard() {
    precondition(keeper == nil, "Only a tensor's own memory can be given back.")
    fill(0)
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    let start = (Int(bitPattern: pointer) + page - 1) / page * page
    let end = Int(bitPattern: pointer + count) / page * page
    // Where the system keeps it, zeros stay.
    guard end > start else { return }
    madvise(UnsafeMutableRawPointer(bitPattern: start), end - start, MADV_DONTNEED)
  }

  /// Copies all elements from a tensor with as many.
  package func copy(from other: Tensor) {
    precondition(
      count == other.count,
      "The tensors must have the same number of elements, not \(other.count) and \(count).")
    pointer.update(from: other.pointer, count: count)
  }
}
