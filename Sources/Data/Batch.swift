public import Tensors

/// The network's input for one step; valid until the loader's next call of `next`.
public struct Batch: Sendable {
  /// The pictures: [capacity, inputSide, inputSide, 3], of which the first `count` are filled.
  public let input: Tensor
  /// Their classes, `count` of them.
  public let labels: [Int32]
  /// How many pictures this replica has: fewer than the capacity only at the end of a pass in
  /// order.
  public let count: Int
  /// How many pictures the whole batch has over all replicas; 0 when the pass has ended.
  public let globalCount: Int
  /// The step, counted from 0.
  public let step: Int
  /// The place in the stream of the whole batch's first picture.
  public let firstImage: Int
}
