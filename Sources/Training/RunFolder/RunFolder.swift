import Glibc
package import MPI
package import Safetensors
package import System

/// The run's folder as the ranks have it.
///
/// It lies where the first rank sees it. Where hosts share no file system, ranks on other hosts do
/// not: they send their parts of a checkpoint to the first rank, and get the checkpoint to go on
/// from through it.
package final class RunFolder {
  /// The folder, open; nil in a rank that does not see it.
  package let held: HeldFolder?
  /// The ranks that do not see it, in order.
  package let ranksWithout: [Int]
  /// Which hosts do not see it; nil if all do.
  package let sentence: String?
  /// All ranks, with messages of their own.
  let world: Communicator

  /// The bytes of a message that carries a piece of a file.
  private static let pieceLength = 8 << 20
  private static let tag = 3

  /// Finds out which ranks see the folder that the first one has locked, by what stands in the
  /// lock; all ranks call this together.
  /// - Parameters:
  ///   - run: The run's folder.
  ///   - lock: The lock on it, in the first rank.
  ///   - world: All ranks.
  /// - Throws: `Failure` (cannotCreate) if the folder cannot be opened, `MPIError` if a message
  ///   fails.
  package convenience init(_ run: RunDirectory, _ lock: RunLock?, over world: Communicator) throws {
    let owner = try world.broadcast(lock?.text ?? "", from: 0)
    var isSeen = world.rank == 0
    // A network file system may show it a moment later.
    for pause in [0, 200_000, 800_000] as [useconds_t] where !isSeen {
      usleep(pause)
      isSeen = (try? TextFile.read(run.lock, limit: 4096)) == owner
    }
    try self.init(isSeen ? lock?.folder ?? HeldFolder(run.path) : nil, of: run, over: world)
  }

  /// The same from what each rank has; all ranks call this together.
  package init(_ held: HeldFolder?, of run: RunDirectory, over world: Communicator) throws(MPIError)
  {
    self.held = held
    self.world = try world.duplicate()
    let without = try world.allGather(Int64(held == nil ? 1 : 0))
    ranksWithout = without.indices.filter { without[$0] != 0 }
    let hosts = try world.allGather(Machine.hostName)
    var seen: Set<String> = []
    let others = ranksWithout.map { hosts[$0] }.filter { seen.insert($0).inserted }
    sentence =
      others.isEmpty
      ? nil
      : "\(others.joined(separator: ", ")) \(others.count == 1 ? "does" : "do") not see the run's "
        + "folder \(quoted(run.path)), which is on \(hosts[0]): ranks there send their parts of "
        + "checkpoints to rank 0."
  }

  // MARK: From the first rank to the others

  /// Opens a file of the folder in every rank; all ranks call this together.
  ///
  /// Those that do not see it read a copy, which needs room in `TMPDIR` (or `/tmp`) and is gone when
  /// it is closed.
  /// - Parameter name: The file's path in the folder, in the first rank.
  /// - Returns: The open file.
  /// - Throws: `Failure` if the file or the copy cannot be opened, read or written, `MPIError` if a
  ///   message fails.
  package func open(_ name: String) throws -> SafetensorsFile {
    let name = try world.broadcast(name, from: 0)
    guard !ranksWithout.isEmpty else { return try SafetensorsFile(opening: name, in: held) }
    // One rank of each host keeps the copy for its neighbours.
    let neighbours = try world.ranksOnThisHost().split(
      color: held == nil ? 1 : 0, key: world.rank)
    let isKeeper = held == nil && neighbours.rank == 0
    let flags = try world.allGather(Int64(isKeeper ? 1 : 0))
    let copy = held == nil ? try Self.openCopy(neighbours) : nil
    if world.rank == 0 {
      try send(name, to: flags.indices.filter { flags[$0] != 0 })
    } else {
      let length = Int(try world.allReduce(Int64(0), .sum))
      if let copy, isKeeper { try receive(length, into: copy) }
    }
    try Activity.waiting(for: "the checkpoint that rank 0 sends") { try world.sleepingBarrier() }
    guard let copy else { return try SafetensorsFile(opening: name, in: held) }
    return try SafetensorsFile(copy.file, name: "\(name) of rank 0")
  }

  /// A file without a name, the same for the ranks of a host.
  private static func openCopy(_ neighbours: Communicator) throws -> (file: Int32, folder: String) {
    let folder = TemporaryFiles.folder
    let pattern = folder + "/alexnet-train-XXXXXX"
    var file: Int32 = -1
    var name = Array(pattern.utf8CString)
    if neighbours.rank == 0 {
      file = mkstemp(&name)
      if file < 0 { throw cannotStore(in: folder, errno) }
      _ = fcntl(file, F_SETFD, FD_CLOEXEC)
    }
    let path = try neighbours.broadcast(
      String(decoding: name.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self), from: 0)
    if neighbours.rank != 0 {
      file = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
      if file < 0 { throw cannotStore(in: folder, errno) }
    }
    try neighbours.barrier()
    if neighbours.rank == 0 { unlink(path) }
    return (file, folder)
  }

  private static func cannotStore(in folder: String, _ code: Int32) -> Failure {
    .system(
      .cannotCreate,
      "\(Machine.hostName) cannot keep a copy of rank 0's checkpoint in \(quoted(folder))",
      errno: code, remedy: "Set TMPDIR to a folder with room for it.")
  }

  private func send(_ name: String, to ranks: [Int]) throws {
    let file = try RegularFile(name, in: held)
    defer { close(file.descriptor) }
    _ = try world.allReduce(Int64(file.length), .sum)
    try forEachPiece(of: file.length) { offset, piece in
      let code = WholeTransfer.read(
        into: UnsafeMutableRawBufferPointer(piece), from: file.descriptor, at: offset)
      guard code == 0 else {
        throw Failure.system(
          .inputOutput, "Cannot read \(quoted(held?.path(of: name) ?? name))", errno: code)
      }
      let requests = Requests()
      for rank in ranks {
        try world.startSend(UnsafeBufferPointer(piece), to: rank, tag: Self.tag, in: requests)
      }
      try requests.wait()
    }
  }

  private func receive(_ length: Int, into copy: (file: Int32, folder: String)) throws {
    try forEachPiece(of: length) { offset, piece in
      let requests = Requests()
      try world.startReceive(into: piece, from: 0, tag: Self.tag, in: requests)
      try requests.wait()
      let code = WholeTransfer.write(
        UnsafeRawBufferPointer(piece), to: copy.file, at: offset)
      guard code == 0 else { throw Self.cannotStore(in: copy.folder, code) }
    }
  }

  private func forEachPiece(
    of length: Int,
    _ body: (_ offset: Int, _ piece: UnsafeMutableBufferPointer<UInt8>) throws -> Void
  ) throws {
    let room = UnsafeMutableBufferPointer<UInt8>.allocate(
      capacity: max(1, min(length, Self.pieceLength)))
    defer { room.deallocate() }
    room.initialize(repeating: 0)
    for offset in stride(from: 0, to: length, by: Self.pieceLength) {
      let piece = room[..<min(Self.pieceLength, length - offset)]
      try Activity.waiting(for: "the checkpoint that rank 0 sends") {
        try body(offset, UnsafeMutableBufferPointer(rebasing: piece))
      }
    }
  }
}
