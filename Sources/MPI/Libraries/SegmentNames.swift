import Glibc
import System

/// The files in /dev/shm through which Open MPI's ranks on a host communicate.
///
/// Mapped memory stays until the processes end, even without a name. A name would stay for ever if
/// ranks are killed, so it is unlinked as soon as it is no longer needed.
package enum SegmentNames {
  /// Bytes that each rank of a host takes in /dev/shm.
  package static let bytesOfRank = 16 << 20

  /// The address space in bytes that a rank needs for its first messages.
  private static let leastRoom = 64 << 20

  /// Unlinks the files once all ranks of this host have mapped the memory; all ranks call this
  /// together.
  /// - Parameter world: All ranks.
  /// - Throws: `Failure` (usage) if this rank has too little memory to map it, `MPIError` if a
  ///   message fails.
  package static func unlink(of world: Communicator) throws {
    // Open MPI would continue without it, and the ranks would wait for each other as if the network
    // were cut.
    if world.size > 1 { try requireRoom() }
    let host = try world.ranksOnThisHost()
    // Open MPI maps another rank's memory with the first message to it at the latest.
    let bytes = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 2 * host.size)
    defer { bytes.deallocate() }
    bytes.initialize(repeating: 0)
    let requests = Requests()
    for other in 0..<host.size where other != host.rank {
      let place = 2 * other
      try host.startReceive(
        into: UnsafeMutableBufferPointer(rebasing: bytes[place..<place + 1]), from: other, tag: 0,
        in: requests)
      try host.startSend(
        UnsafeBufferPointer(rebasing: bytes[place + 1..<place + 2]), to: other, tag: 0, in: requests
      )
    }
    try requests.wait()
    try host.barrier()
    remove()
  }

  private static func requireRoom() throws(Failure) {
    if let left = Memory.processLimit, left < leastRoom {
      throw Failure(
        .usage,
        "The memory limit of this rank (ulimit -v) leaves \(left >> 20) MiB, which is too little "
          + "to exchange messages with other ranks; raise the limit.")
    }
    if let left = Memory.available, left < leastRoom {
      throw Failure(
        .usage,
        "\(Machine.hostName), or the control group of the job there, has only \(left >> 20) MiB of "
          + "memory free, which is too little to exchange messages between ranks; ask for more "
          + "memory.")
    }
  }

  /// Removes the files, as Open MPI does at the normal end of a job.
  package static func remove() {
    for name in names { Glibc.unlink(name) }
  }

  /// Restores the names before MPI is finalised, since Open MPI prints an error if they are
  /// missing; all ranks call this together.
  /// - Parameter world: All ranks.
  /// - Throws: `MPIError` if a message fails.
  package static func restore(of world: Communicator) throws(MPIError) {
    for name in names {
      let file = open(name, O_CREAT | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0o600)
      if file >= 0 { close(file) }
    }
    // Each rank removes one of them.
    try world.barrier()
  }

  /// Open MPI 4's names and Open MPI 5's. (MPICH removes its own at once.)
  private static let prefixes = ["vader_segment.", "sm_segment."]

  /// The names of the memory that this process has mapped, even if they were unlinked.
  private static var names: [String] {
    SystemText.lines(of: "/proc/self/maps").compactMap { line in
      let name = prefixes.lazy.compactMap { line.firstRange(of: "/dev/shm/" + $0) }.first
      return name.map { String(line[$0.lowerBound...].prefix { $0 != " " }) }
    }
  }
}
