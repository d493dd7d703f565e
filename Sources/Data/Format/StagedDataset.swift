import Glibc
package import System

/// A copy of a dataset on a host's own disk, made once and used by all runs there.
package struct StagedDataset: Sendable {
  /// The copy's folder: its name holds the dataset's checksum.
  package let path: String
  /// The bytes of all files.
  package let bytes: UInt64
  private let source: String
  private let folder: String
  private let checksum: String
  private let description: [UInt8]
  private let files: [DatasetManifest.File]

  /// Reads what there is to copy.
  /// - Parameters:
  ///   - source: The dataset's folder.
  ///   - folder: The folder for copies, on the host's own disk.
  /// - Throws: `Failure` (inputMissing, badData) if the dataset cannot be understood.
  package init(of source: String, in folder: String) throws(Failure) {
    description = try DatasetManifest.bytes(in: source)
    checksum = SHA256.digest(of: description)
    let manifest = try DatasetManifest(
      description, path: "\(source)/\(DatasetManifest.fileName)")
    files =
      [manifest.statistics]
      + Split.allCases.compactMap { manifest.part($0) }.flatMap { part in
        [part.index]
          + part.shards.map {
            DatasetManifest.File(file: $0.file, bytes: $0.bytes, sha256: $0.sha256)
          }
      }
    bytes = files.reduce(UInt64(description.count)) { $0 + $1.bytes }
    self.source = source
    self.folder = folder
    self.path = "\(folder)/alexnet-\(checksum.prefix(16))"
  }

  /// Whether a whole copy is there: it gets its name when every file in it has been checked.
  package var isThere: Bool {
    guard let own = try? DatasetManifest.bytes(in: path) else { return false }
    return own == description
      && files.allSatisfy { FileStatus("\(path)/\($0.file)").map { UInt64($0.size) } == $0.bytes }
  }

  /// Makes the copy, unless it is there; another process on this host that is making it is waited
  /// for.
  /// - Parameter isAskedToStop: Asked from time to time.
  /// - Returns: Whether the copy is there: not where it was asked to stop before.
  /// - Throws: `Failure` if the copy cannot be made, does not fit, or differs from what the dataset
  ///   says of its files.
  package func make(unless isAskedToStop: () -> Bool) throws(Failure) -> Bool {
    guard mkdir(folder, 0o700) == 0 || errno == EEXIST else { throw cannotCreate(folder) }
    let lock = open(path + ".lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard lock >= 0 else { throw cannotCreate(path + ".lock") }
    defer { close(lock) }
    // The system lets go of it however its owner ends.
    while flock(lock, LOCK_EX | LOCK_NB) != 0 {
      guard errno == EWOULDBLOCK || errno == EINTR else { throw cannotCreate(path + ".lock") }
      if isAskedToStop() { return false }
      usleep(200_000)
    }
    if isThere { return true }
    try remove(path)
    let partial = path + PartialFile.suffix
    try remove(partial)
    try checkRoom()
    guard mkdir(partial, 0o700) == 0 else { throw cannotCreate(partial) }
    for file in files {
      guard try copy(file, into: partial, unless: isAskedToStop) else { return false }
    }
    let list = DatasetManifest.File(
      file: DatasetManifest.fileName, bytes: UInt64(description.count), sha256: checksum)
    guard try copy(list, into: partial, unless: isAskedToStop) else { return false }
    guard rename(partial, path) == 0 else { throw cannotCreate(path) }
    return true
  }

  private func copy(
    _ file: DatasetManifest.File, into folder: String, unless isAskedToStop: () -> Bool
  ) throws(Failure) -> Bool {
    let input = try InputFile(opening: "\(source)/\(file.file)")
    let target = "\(folder)/\(file.file)"
    let output = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard output >= 0 else { throw cannotCreate(target) }
    defer { close(output) }
    let sum = SHA256()
    let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 4 << 20, alignment: 64)
    defer { block.deallocate() }
    var place: UInt64 = 0
    while place < input.size {
      if isAskedToStop() { return false }
      let part = UnsafeMutableRawBufferPointer(
        rebasing: block[..<Int(min(UInt64(block.count), input.size - place))])
      guard input.read(at: place, into: part) else {
        throw Failure(.inputOutput, "\(quoted(input.path)) cannot be read to its end.")
      }
      sum.update(UnsafeRawBufferPointer(part))
      let code = WholeTransfer.write(UnsafeRawBufferPointer(part), to: output)
      guard code == 0 else {
        throw .system(.inputOutput, "\(quoted(target)) cannot be written", errno: code)
      }
      place += UInt64(part.count)
    }
    guard input.size == file.bytes, sum.finish() == file.sha256 else {
      throw Failure(
        .badData,
        "\(quoted(input.path)) is not what the dataset says of it (its length or checksum differs), "
          + "so it was not copied; copy or prepare the dataset again.")
    }
    return true
  }

  private func checkRoom() throws(Failure) {
    guard let free = FreeSpace.bytes(at: folder), free < bytes else { return }
    throw Failure(
      .cannotCreate,
      "\(quoted(folder)) on \(Machine.hostName) has \(free >> 20) MiB free, and the dataset needs "
        + "\(bytes >> 20); make room, or leave out --stage-data.")
  }

  /// Removes what is left of a copy: files and no folders.
  private func remove(_ path: String) throws(Failure) {
    for name in HeldFolder.names(in: path) { unlink("\(path)/\(name)") }
    guard rmdir(path) == 0 || errno == ENOENT else {
      throw .system(
        .cannotCreate, "What is left of a copy in \(quoted(path)) cannot be removed", errno: errno)
    }
  }

  private func cannotCreate(_ path: String) -> Failure {
    .system(
      .cannotCreate, "The copy \(quoted(path)) cannot be made on \(Machine.hostName)", errno: errno,
      remedy: "Choose another --stage-data.")
  }
}
