package import System
package import Tensors

/// The network's input for one step; valid until the loader's next call of `next`.
package struct Batch: Sendable {
  /// The pictures: [capacity, inputSide, inputSide, 3], of which the first `count` are filled.
  package let input: Tensor
  /// Their classes, `count` of them.
  package let labels: [Int32]
  /// Their record numbers in the split, `count` of them.
  package let records: [Int]
  /// How many pictures this replica has: fewer than the capacity only at the end of a sequential
  /// pass, and if damaged records are left out of one.
  package let count: Int
  /// How many pictures the whole batch has over all replicas, including those that are left out; 0
  /// when the pass has ended.
  package let globalCount: Int
  /// The step, counted from 0.
  package let step: Int
  /// The stream position of the whole batch's first picture.
  package let firstImage: Int
  /// How many damaged records were skipped for this batch, and the failure of the first one.
  package let skipped: (count: Int, first: Failure?)

  /// A hash of the batch's records and labels, by which ranks that read copies of a dataset compare
  /// their batches.
  package var fingerprint: UInt64 {
    // FNV-1a.
    zip(records, labels).reduce(0xCBF2_9CE4_8422_2325) { sum, picture in
      let mixed = (sum ^ UInt64(bitPattern: Int64(picture.0))) &* 0x100_0000_01B3
      return (mixed ^ UInt64(UInt32(bitPattern: picture.1))) &* 0x100_0000_01B3
    }
  }
}
