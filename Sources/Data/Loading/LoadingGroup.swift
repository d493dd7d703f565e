import Glibc
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
  let board: BatchBoard

  /// Creates the group's memory; called by process 0.
  /// - Parameters:
  ///   - name: A unique name for it, `/name`; nil for none.
  ///   - size: The number of processes in the group.
  ///   - images: The number of images in a batch that the group reads together.
  ///   - inputSide: The width and height of an image in pixels.
  /// - Throws: `Failure` (cannot create) if there is not enough memory to share.
  package init(creating name: String?, size: Int, images: Int, inputSide: Int) throws(Failure) {
    (rank, self.size) = (0, size)
    let count = Self.byteCount(size: size, images: images, inputSide: inputSide)
    memory = try SharedMemory(creating: name, byteCount: count)
    board = BatchBoard(at: memory.start, members: size, makes: true)
  }

  /// Joins a group that process 0 has created with the same arguments, under the path that it
  /// announced.
  /// - Throws: `Failure` (cannot create) if there is none under this path, or this process may not
  ///   open it.
  package init(
    opening place: String, rank: Int, size: Int, images: Int, inputSide: Int
  ) throws(Failure) {
    (self.rank, self.size) = (rank, size)
    let count = Self.byteCount(size: size, images: images, inputSide: inputSide)
    memory = try SharedMemory(opening: place, byteCount: count)
    board = BatchBoard(at: memory.start, members: size, makes: false)
  }

  /// The path by which the others open process 0's memory.
  package var place: String { memory.place }

  /// Unlinks that path, when all have joined.
  package func removePlace() { memory.removePlace() }

  private static func byteCount(size: Int, images: Int, inputSide: Int) -> Int {
    BatchBoard.byteCount(members: size)
      + 2 * BatchSlot.byteCount(images: images, inputSide: inputSide)
  }

  /// The start of the batches.
  var slots: UnsafeMutableRawPointer { memory.start + BatchBoard.byteCount(members: size) }
}

/// Shared state of the processes that load together, about the two batch buffers; a loader alone
/// has its own.
///
/// Everything is read and written inside `monitor.locked`.
final class BatchBoard: @unchecked Sendable {
  let monitor: Monitor
  private let members: Int
  private let entries: UnsafeMutablePointer<Entry>
  private let own: UnsafeMutableRawPointer?

  /// One member's state of one of the two batches.
  private struct Entry {
    /// The step whose part is ready.
    var filled: Int
    /// The step that was released last.
    var released: Int
    /// How many records of the part are damaged, and the failure of the first one.
    var skipped: Int
    var messageLength: Int
  }

  private static let longestMessage = 1024
  private static let header = 256

  static func byteCount(members: Int) -> Int {
    let all = header + 2 * members * (MemoryLayout<Entry>.stride + longestMessage)
    return (all + 4095) / 4096 * 4096
  }

  /// A board in memory shared by several processes.
  init(at memory: UnsafeMutableRawPointer, members: Int, makes: Bool) {
    own = nil
    self.members = members
    monitor = Monitor(at: memory, makes: makes)
    entries = (memory + Self.header).bindMemory(to: Entry.self, capacity: 2 * members)
    if makes { clear() }
  }

  /// A board for one process alone.
  init() {
    let memory = UnsafeMutableRawPointer.allocate(
      byteCount: Self.byteCount(members: 1), alignment: 64)
    own = memory
    members = 1
    monitor = Monitor(at: memory, makes: true)
    entries = (memory + Self.header).bindMemory(to: Entry.self, capacity: 2)
    clear()
  }

  deinit { own?.deallocate() }

  private func clear() {
    entries.initialize(
      repeating: Entry(filled: -1, released: -1, skipped: 0, messageLength: 0), count: 2 * members)
  }

  private func entry(_ step: Int, _ member: Int) -> UnsafeMutablePointer<Entry> {
    entries + (step & 1) * members + member
  }

  private func message(_ step: Int, _ member: Int) -> UnsafeMutableRawBufferPointer {
    let texts = UnsafeMutableRawPointer(entries + 2 * members)
    return UnsafeMutableRawBufferPointer(
      start: texts + ((step & 1) * members + member) * Self.longestMessage,
      count: Self.longestMessage)
  }

  /// Whether all members have released the batch whose buffer the step uses.
  func isFree(for step: Int, firstStep: Int) -> Bool {
    step < firstStep + 2
      || (0..<members).allSatisfy { entry(step, $0).pointee.released >= step - 2 }
  }

  /// Whether all parts of a step's batch are ready.
  func isFilled(_ step: Int) -> Bool {
    (0..<members).allSatisfy { entry(step, $0).pointee.filled == step }
  }

  func noteFilled(_ step: Int, by member: Int, skipped: Int, first: Failure?) {
    let entry = entry(step, member)
    let text = Array((first?.message ?? "").utf8.prefix(Self.longestMessage))
    text.withUnsafeBytes { message(step, member).copyMemory(from: $0) }
    (entry.pointee.skipped, entry.pointee.messageLength) = (skipped, text.count)
    entry.pointee.filled = step
    monitor.wakeAll()
  }

  func noteReleased(_ step: Int, by member: Int) {
    entry(step, member).pointee.released = step
    monitor.wakeAll()
  }

  /// The damaged records of a filled batch.
  func skipped(_ step: Int) -> (count: Int, first: Failure?) {
    var count = 0
    var first: Failure?
    for member in 0..<members {
      let entry = entry(step, member).pointee
      count += entry.skipped
      guard entry.skipped > 0, first == nil else { continue }
      let text = UnsafeRawBufferPointer(message(step, member))[..<entry.messageLength]
      first = Failure(.badData, String(decoding: text, as: UTF8.self))
    }
    return (count, first)
  }
}
