package import System

/// The processes of a host that read the same batches: each decodes a part of every batch into memory that all see.
///
/// Towers need the same images. On one host the second tower would decode again what the first has decoded already;
/// in a group each image is decoded once, and nothing is copied.
package struct LoadingGroup: Sendable {
  /// This process's number in the group.
  package let rank: Int
  /// The processes of the group.
  package let size: Int
  let memory: SharedMemory

  /// Makes the group's memory: for process 0.
  /// - Parameters:
  ///   - name: A name for it that no one else uses, `/name`; nil for none.
  ///   - size: The processes of the group.
  ///   - images: The images of a batch that the group reads together.
  ///   - inputSide: The width and height of an image in pixels.
  /// - Throws: `Failure` (cannot create) where there is not so much memory to share.
  package init(creating name: String?, size: Int, images: Int, inputSide: Int) throws(Failure) {
    (rank, self.size) = (0, size)
    let count = BatchBuffer.byteCount(members: size, images: images, inputSide: inputSide)
    memory = try SharedMemory(creating: name, byteCount: count)
    BatchBuffer.prepare(memory.start, members: size)
  }

  /// Joins a group that process 0 has made with the same numbers, at the place that it tells.
  /// - Throws: `Failure` (cannot create) where there is none at this place, or this process may not reach it.
  package init(
    opening place: String, rank: Int, size: Int, images: Int, inputSide: Int
  ) throws(Failure) {
    (self.rank, self.size) = (rank, size)
    let count = BatchBuffer.byteCount(members: size, images: images, inputSide: inputSide)
    memory = try SharedMemory(opening: place, byteCount: count)
  }

  /// What the others open process 0's memory by.
  package var place: String { memory.place }

  /// Takes the place away, when all have joined.
  package func removePlace() { memory.removePlace() }
}
