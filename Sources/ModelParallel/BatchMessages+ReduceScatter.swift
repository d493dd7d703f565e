import Layers
import MPI
import Networks
import System
import Tensors

/// Backward: the adjoint of the all-gather, a reduce-scatter of the gradients by these maps.
extension BatchMessages {
  /// Starts to receive what other ranks find for the own maps.
  func startReduceScatter() throws(MPIError) {
    try start { () throws(MPIError) in
      progress.begin()
      let ownTower = placement.owned.lowerBound
      for replica in 0..<placement.replicas {
        for rank in replicaRanks {
          try replicaRankGradients[replica][rank].receive(
            into: numbers(replicaRankContributions[rank], replica, ownTower), from: rank,
            tag: tag + 2 * replica + 1, over: placement.group, in: fromReplicaRanks[replica])
        }
        for (number, tower) in placement.owned.enumerated() where replica != placement.replica {
          try ownGradients[replica][number].receive(
            into: ownRows(arriving[replica][number], tower), from: replica,
            tag: tag + shapes.count + tower, over: placement.peers, in: fromPeers[replica])
        }
      }
    }
  }

  /// Starts to send what was found for a replica's maps of other towers to the other ranks of its
  /// replica that own them.
  func sendContributions(ofReplica replica: Int) throws(MPIError) {
    try start { () throws(MPIError) in
      for rank in replicaRanks {
        let gradient = UnsafeBufferPointer(numbers(contributions[rank], replica, rank))
        gradients[replica][rank].pack(gradient)
        backwardBytes += try gradients[replica][rank].send(
          gradient, to: rank, tag: tag + 2 * replica + 1, over: placement.group, in: sending)
      }
    }
  }

  /// Adds up what this replica found for a replica's maps of the own towers, its own first, and
  /// starts to send it there.
  func sendSums(toReplica replica: Int) throws(MPIError) {
    try wait(for: fromReplicaRanks[replica])
    try start { () throws(MPIError) in
      for tower in placement.owned {
        let sum = numbers(contributions[tower], replica, tower)
        for rank in replicaRanks {
          let found = numbers(replicaRankContributions[rank], replica, tower)
          replicaRankGradients[replica][rank].unpack(into: found)
          for i in 0..<sum.count { sum[i] += found[i] }
        }
        guard replica != placement.replica else { continue }
        gradients[replica][tower].pack(UnsafeBufferPointer(sum))
        backwardBytes += try gradients[replica][tower].send(
          UnsafeBufferPointer(sum), to: replica, tag: tag + shapes.count + tower,
          over: placement.peers, in: sending)
      }
    }
  }

  /// Waits for all replicas' sums and adds them up, in the order of the replicas.
  /// - Parameter sums: For each own tower the gradient by its maps of the own images.
  /// - Throws: `MPIError` where a message fails.
  func finishReduceScatter(into sums: [Tensor]) throws(MPIError) {
    for requests in fromPeers { try wait(for: requests) }
    try finishSending()
    for ((number, tower), sum) in zip(placement.owned.enumerated(), sums) {
      for replica in 0..<placement.replicas {
        let isOwn = replica == placement.replica
        let found =
          isOwn
          ? numbers(contributions[tower], replica, tower)
          : ownRows(arriving[replica][number], tower)
        if !isOwn { ownGradients[replica][number].unpack(into: found) }
        // A batch may leave a replica without images.
        guard !found.isEmpty else { continue }
        let from = found.start
        if replica == 0 {
          sum.pointer.update(from: from, count: found.count)
        } else {
          for i in 0..<found.count { sum.pointer[i] += from[i] }
        }
      }
    }
  }

  private func ownRows(_ tensor: Tensor, _ tower: Int) -> UnsafeMutableBufferPointer<Float> {
    UnsafeMutableBufferPointer(
      start: tensor.pointer, count: images[placement.replica].count * shapes[tower].count)
  }
}
