extension Philox {
  /// The order in which an epoch visits `0..<count`: each number once, every order as likely as any
  /// other.
  ///
  /// Fisher-Yates over blocks counted from 0 under the epoch's number, so the order depends on the
  /// key and the epoch alone.
  package func permutation(of count: Int, epoch: Int) -> [UInt32] {
    var order = (0..<UInt32(count)).map { $0 }
    guard count > 1 else { return order }
    var words = Block()
    order.withUnsafeMutableBufferPointer { order in
      for (draw, last) in stride(from: count - 1, to: 0, by: -1).enumerated() {
        if draw & 3 == 0 { words = block(UInt64(epoch), UInt64(draw >> 2)) }
        order.swapAt(last, words[draw & 3].below(last + 1))
      }
    }
    return order
  }
}
