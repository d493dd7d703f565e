package import Data
import Glibc
package import MPI
import System

/// How the ranks of one host load batches: each loads a part, if they can share memory.
package enum SharedLoading {
  /// Makes the group of the ranks on this rank's host; all ranks call this together.
  /// - Parameters:
  ///   - ranks: The ranks that read the same batches.
  ///   - images: The number of images in a batch.
  ///   - inputSide: The width and height of an image in pixels.
  /// - Returns: The group; nil if the rank is alone on its host or the host has no memory to share,
  ///   as in containers with a small /dev/shm. Every rank then decodes all images.
  /// - Throws: `MPIError` if a message fails.
  package static func group(
    _ ranks: Communicator, images: Int, inputSide: Int
  ) throws(MPIError) -> LoadingGroup? {
    let host = try ranks.ranksOnThisHost()
    guard host.size > 1 else { return nil }
    // Without a name nothing can be left behind; ranks in separate containers need a name.
    let name = "/alexnet-\(getpid())-\(UInt64(MonotonicClock.seconds * 1e9))"
    for name in [nil, name] {
      if let group = try group(host, name, images: images, inputSide: inputSide) { return group }
    }
    return nil
  }

  private static func group(
    _ host: Communicator, _ name: String?, images: Int, inputSide: Int
  ) throws(MPIError) -> LoadingGroup? {
    var group: LoadingGroup?
    if host.rank == 0 {
      group = try? LoadingGroup(
        creating: name, size: host.size, images: images, inputSide: inputSide)
    }
    let place = try host.broadcast(group?.place ?? "", from: 0)
    if host.rank > 0 && !place.isEmpty {
      group = try? LoadingGroup(
        opening: place, rank: host.rank, size: host.size, images: images, inputSide: inputSide)
    }
    let haveAllJoined = try host.allReduce(Int64(group == nil ? 0 : 1), .min) == 1
    if host.rank == 0 { group?.removePlace() }
    return haveAllJoined ? group : nil
  }
}
