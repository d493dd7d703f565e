package import System

/// The processes of a host that read the same batches: each decodes a part of every batch into
/// shared memory.
///
/// Towers need the same images. Without a group, each tower on a host would decode every image; in
/// a group each image is decoded once, and nothing is copied.
package struct LoadingGroup: Sendable {
  /// This process's index in the group.
  package let rank: Int
  /// The number of processes in the group.
  package let size: Int
  let memory: SharedMemory

  /// Creates the group's memory; called by process 0.
  /// - Parameters:
  ///   - name: A unique name for it, `/name`; nil for none.
  ///   - size: The number of processes in the group.
  ///   - images: The number of images in a batch that the group reads together.
  ///   - inputSide: The width and height of an image in pixels.
  /// - Throws: `Failure` (cannot create) if there is not enough memory to share.
  package init(creating name: String?, size: Int, images: Int, inputSide: Int) throws(Failure) {
    (rank, self.size) = (0, size)
    let count = BatchBuffer.byteCount(members: size, images: images, inputSide: inputSide)
    memory = try SharedMemory(creating: name, byteCount: count)
    BatchBuffer.prepare(memory.start, members: size)
  }

  /// Joins a group that process 0 has created with the same arguments, under the path that it
  /// announced.
  /// - Throws: `Failure` (cannot create) if there is none under this path, or this process may not
  ///   open it.
  package init(
    opening place: String, rank: Int, size: Int, images: Int, inputSide: Int
  ) throws(Failure) {
    (self.rank, self.size) = (rank, size)
    let count = BatchBuffer.byteCount(members: size, images: images, inputSide: inputSide)
    memory = try SharedMemory(opening: place, byteCount: count)
  }

  /// The path by which the others open process 0's memory.
  package var place: String { memory.place }

  /// Unlinks that path, when all have joined.
  package func removePlace() { memory.removePlace() }
}
