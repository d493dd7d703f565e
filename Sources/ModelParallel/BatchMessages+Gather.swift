import MPI
import Tensors

/// Forward: an all-gather of images x maps.
extension BatchMessages {
  /// Starts to send the maps of the own towers and to receive those of the others.
  func startGather(_ x: [Tensor]) throws(MPIError) {
    try start { () throws(MPIError) in
      progress.begin()
      let me = placement.replica
      for replica in 0..<placement.replicas {
        for tower in placement.owned where replica != me {
          try maps[replica][tower].receive(
            into: numbers(gathered[tower], replica, tower), from: replica, tag: tag + tower,
            over: placement.peers, in: fromPeers[replica])
        }
        for rank in replicaRanks {
          try maps[replica][rank].receive(
            into: numbers(gathered[rank], replica, rank), from: rank, tag: tag + 2 * replica,
            over: placement.group, in: fromReplicaRanks[replica])
        }
      }
      for (number, tower) in placement.owned.enumerated() {
        let target = numbers(gathered[tower], me, tower)
        target.baseAddress?.update(from: x[number].pointer, count: target.count)
        maps[me][tower].pack(UnsafeBufferPointer(target))
      }
      try passOn(me)
      for replica in waitingReplicas {
        for tower in placement.owned {
          forwardBytes += try maps[me][tower].send(
            UnsafeBufferPointer(numbers(gathered[tower], me, tower)), to: replica, tag: tag + tower,
            over: placement.peers, in: sending)
        }
      }
    }
  }

  /// Waits until another replica's maps of the own towers are here, and passes them on to the other
  /// ranks of this replica.
  func relay(_ replica: Int) throws(MPIError) {
    guard replica != placement.replica else { return }
    try wait(for: fromPeers[replica])
    try start { () throws(MPIError) in
      for tower in placement.owned {
        maps[replica][tower].unpack(into: numbers(gathered[tower], replica, tower))
      }
      try passOn(replica)
    }
  }

  /// Sends what this rank has of a replica to the other ranks of its replica, in the numbers that
  /// it came in.
  private func passOn(_ replica: Int) throws(MPIError) {
    for rank in replicaRanks {
      for tower in placement.owned {
        forwardBytes += try maps[replica][tower].send(
          UnsafeBufferPointer(numbers(gathered[tower], replica, tower)), to: rank,
          tag: tag + 2 * replica, over: placement.group, in: sending)
      }
    }
  }

  /// Waits until a replica's maps of the towers of other ranks are here.
  func finishGather(of replica: Int) throws(MPIError) {
    try wait(for: fromReplicaRanks[replica])
    for rank in replicaRanks {
      maps[replica][rank].unpack(into: numbers(gathered[rank], replica, rank))
    }
  }

  /// Waits until everything is sent that this rank has to send.
  func finishSending() throws(MPIError) {
    try wait(for: sending)
    progress.end()
  }
}
