package import Layers
import MPI
import System
import Tensors

/// Whether all replicas still hold the same weights, to the last bit.
///
/// They start from the same numbers and add the same sums, so they can differ only by a fault: of
/// memory, of a message, of the program. Training would go on and mean nothing.
package struct ReplicaCheck {
  private let placement: Placement

  /// Makes the check of a network's replicas.
  package init(_ placement: Placement) { self.placement = placement }

  /// Compares the checksums of the weights of all replicas; all ranks call it together.
  /// - Parameters:
  ///   - parameters: What this rank holds as its peers in the other replicas do.
  ///   - step: The steps done, for the message.
  /// - Throws: `Failure` (ranksDisagree) that names the first tensor that differs, `MPIError` where
  ///   a message fails.
  package func compare(_ parameters: [Parameter], step: Int) throws {
    guard placement.replicas > 1 else { return }
    let ownSums = parameters.map { Int64(bitPattern: Self.checksum(of: $0.value)) }
    let all = try Activity.waiting(for: "check of the replicas") {
      try placement.peers.allGather(
        ownSums, counts: [Int](repeating: ownSums.count, count: placement.replicas))
    }
    var found: (number: Int, replica: Int)?
    for number in ownSums.indices where found == nil {
      let sums = (0..<placement.replicas).map { all[$0 * ownSums.count + number] }
      // Where most agree, the others are wrong; with two replicas nobody can tell.
      let usual = Dictionary(grouping: sums) { $0 }.max {
        ($0.value.count, sums.firstIndex(of: $1.key) ?? 0)
          < ($1.value.count, sums.firstIndex(of: $0.key) ?? 0)
      }?.key
      if let replica = sums.firstIndex(where: { $0 != usual }) { found = (number, replica) }
    }
    guard let found else { return }
    let tensor = parameters[found.number].name
    throw Failure(
      .ranksDisagree,
      "After step \(step) "
        + (placement.replicas == 2
          ? "the two replicas hold different weights of \(tensor)"
          : "replica \(found.replica) holds other weights of \(tensor) than the others")
        + "; memory or a message was damaged. Continue from the last checkpoint with --resume; if "
        + "it happens "
        + "again, test the hosts' memory.")
  }

  /// 64 bits that change with any bit of a tensor, and with the positions of its numbers.
  static func checksum(of tensor: Tensor) -> UInt64 {
    // Several sums side by side, so that the multiplications overlap.
    var lanes = SIMD4<UInt64>(1, 2, 3, 4)
    let prime = SIMD4<UInt64>(repeating: 0x9E37_79B9_7F4A_7C15)
    let raw = UnsafeRawPointer(tensor.pointer)
    let whole = tensor.count / 8 * 8
    for start in stride(from: 0, to: whole, by: 8) {
      let word = (raw + 4 * start).loadUnaligned(as: SIMD4<UInt64>.self)
      lanes = (lanes ^ word) &* prime
      lanes ^= lanes &>> 29
    }
    var sum: UInt64 = UInt64(tensor.count)
    for i in whole..<tensor.count {
      sum = (sum ^ UInt64(tensor.pointer[i].bitPattern)) &* prime[0]
    }
    for lane in 0..<4 { sum = (sum ^ lanes[lane] ^ sum >> 31) &* prime[0] }
    return sum
  }
}
