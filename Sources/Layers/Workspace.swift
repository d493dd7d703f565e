import Tensors

/// Memory for what a layer keeps only while it computes: the layers of a tower use it one after the
/// other.
///
/// There is a part for each thread, and one that all threads share.
package final class Workspace {
  private let threads: Int
  private var (length, commonLength) = (0, 0)
  private lazy var commonRoom = Tensor(commonLength)
  private lazy var rooms = (0..<threads).map { _ in Tensor(length) }

  /// Makes a workspace without memory.
  package init(threads: Int) { self.threads = threads }

  /// Asks for so many floats a thread; to be called before any layer computes.
  func reserve(_ floats: Int) { length = max(length, floats) }

  /// Asks for so many floats that all threads share; to be called before any layer computes.
  func reserveCommon(_ floats: Int) { commonLength = max(commonLength, floats) }

  /// Takes the memory, as large as the layer with the most needs it: now, or else with the first
  /// pass.
  package func allocate() { _ = (rooms, commonRoom) }

  /// The first float of the part that all threads share.
  var common: UnsafeMutablePointer<Float> { commonRoom.pointer }

  /// The first float of each thread's part.
  var starts: [UnsafeMutablePointer<Float>] { rooms.map(\.pointer) }
}
