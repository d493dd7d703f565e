import Checkpoints
import Glibc
import Layers
import MPI
import Safetensors
import System
import Tensors

/// Copies a rank's part of a checkpoint, which a background thread then hashes, writes and syncs to
/// disk.
///
/// Every copy uses the same memory: eight bytes for each parameter of this rank, for weight and
/// velocity. No other copy can be made while it is being written. The thread never calls MPI: a rank
/// that does not see the run's folder sends its copy when training comes to the checkpoint's end.
final class CheckpointWriter: @unchecked Sendable {
  private let folder: HeldFolder?
  private let parameters: [Parameter]
  private let mean: [Float]?
  private var copies: [(value: Tensor, velocity: Tensor)] = []
  private let job = BackgroundJob()
  // Written by the thread, read by others when it has finished.
  private var outcome: Result<[CheckpointDigests.Part: String], Failure> = .success([:])

  /// - Parameters:
  ///   - folder: The run's folder; nil where this rank does not see it, and only hashes.
  ///   - parameters: The parameters that this rank writes.
  ///   - mean: The mean image, in the rank that writes it.
  init(in folder: HeldFolder?, _ parameters: [Parameter], mean: [Float]?) {
    self.folder = folder
    self.parameters = parameters
    self.mean = mean
  }

  /// Whether no writing is in progress.
  var isDone: Bool { job.isDone }

  /// Copies the current weights and velocities, and starts writing them into an existing file.
  /// - Parameters:
  ///   - name: The file's path in the run's folder.
  ///   - header: The file's header.
  ///   - first: What the thread does before writing.
  func start(
    _ name: String, _ header: SafetensorsHeader,
    first: @escaping @Sendable () throws(Failure) -> Void
  ) {
    Timeline.span("copy for a checkpoint", .save) { copy() }
    job.start { [self] in
      let span = Timeline.begin("write a checkpoint", .save)
      defer { Timeline.end(span) }
      do throws(Failure) {
        try first()
        outcome = .success(try write(name, header))
      } catch {
        outcome = .failure(error)
      }
    }
  }

  /// Waits until writing has finished.
  /// - Returns: The digest of each part.
  /// - Throws: `Failure` (inputOutput) if writing failed.
  func finish() throws(Failure) -> [CheckpointDigests.Part: String] {
    job.wait()
    return try outcome.get()
  }

  private func copy() {
    if copies.isEmpty {
      copies = parameters.map { (Tensor($0.value.count), Tensor($0.velocity.count)) }
    }
    for (parameter, copy) in zip(parameters, copies) {
      copy.value.pointer.update(from: parameter.value.pointer, count: copy.value.count)
      copy.velocity.pointer.update(from: parameter.velocity.pointer, count: copy.velocity.count)
    }
  }

  private func write(
    _ name: String, _ header: SafetensorsHeader
  ) throws(Failure) -> [CheckpointDigests.Part: String] {
    var digests: [CheckpointDigests.Part: String] = [:]
    let writer = try folder.map { folder throws(Failure) in
      try SafetensorsWriter(opening: name, in: folder, header)
    }
    if let mean, let writer {
      let entry = writer.entry(NetworkFile.meanName)
      digests[.init(tensor: entry.name, rows: 0..<(entry.shape.first ?? 0))] =
        try mean.withUnsafeBufferPointer { mean throws(Failure) in
          try writer.write(entry, mean)
          return SHA256.digest(of: UnsafeRawBufferPointer(mean))
        }
    }
    for (part, parameter, tensor) in parts {
      let sum = SHA256()
      let entry = writer?.entry(part.tensor)
      try Self.forEachBlock(of: parameter, tensor) { first, numbers throws(Failure) in
        sum.update(UnsafeRawBufferPointer(numbers))
        if let writer, let entry { try writer.write(entry, from: first, numbers) }
      }
      digests[part] = sum.finish()
    }
    try writer?.finish()
    return digests
  }

  /// What this rank has of the file, in the order in which it is sent.
  private var parts: [(part: CheckpointDigests.Part, parameter: Parameter, tensor: Tensor)] {
    zip(parameters, copies).filter { !$0.0.kernels.isEmpty }.flatMap { parameter, copy in
      [
        (parameter.part(), parameter, copy.value),
        (parameter.part(Checkpoint.velocityPrefix), parameter, copy.velocity),
      ]
    }.sorted { $0.0 < $1.0 }
  }

  /// Visits the numbers of a parameter's copy as the file has them.
  private static func forEachBlock<Problem: Error>(
    of parameter: Parameter, _ tensor: Tensor,
    _ body: (_ first: Int, _ numbers: UnsafeBufferPointer<Float>) throws(Problem) -> Void
  ) throws(Problem) {
    let length = parameter.layout.kernelLength
    try Checkpoint.forEachBlock(of: parameter) { kernels, block throws(Problem) in
      for (row, kernel) in kernels.enumerated() {
        parameter.layout.getKernel(kernel, of: tensor, into: block + row * length)
      }
      try body(
        (parameter.kernels.lowerBound + kernels.lowerBound) * length,
        UnsafeBufferPointer(start: block, count: kernels.count * length))
    }
  }

  // MARK: From ranks that do not see the run's folder

  /// The tag of messages with a rank's part of a checkpoint.
  private static let tag = 4

  /// Sends this rank's part of the checkpoint that was copied last to the first rank.
  func send(over world: Communicator) throws(MPIError) {
    for (_, parameter, tensor) in parts {
      try Self.forEachBlock(of: parameter, tensor) { _, numbers throws(MPIError) in
        let requests = Requests()
        try world.startSend(numbers, to: 0, tag: Self.tag, in: requests)
        try Activity.waiting(for: "rank 0 to receive a checkpoint's part") { () throws(MPIError) in
          try requests.wait()
        }
      }
    }
  }

  /// Receives another rank's part of a checkpoint in the first rank, and writes it.
  static func receive(
    _ parts: some Sequence<CheckpointDigests.Part>, from rank: Int, over world: Communicator,
    into writer: SafetensorsWriter
  ) throws {
    for part in parts.sorted() {
      let entry = writer.entry(part.tensor)
      let length = entry.count / max(1, entry.shape.first ?? 1)
      let rows = Checkpoint.rows(ofLength: length)
      let block = UnsafeMutableBufferPointer<Float>.allocate(
        capacity: min(rows, part.rows.count) * length)
      defer { block.deallocate() }
      block.initialize(repeating: 0)
      for row in stride(from: part.rows.lowerBound, to: part.rows.upperBound, by: rows) {
        let count = min(rows, part.rows.upperBound - row) * length
        let numbers = UnsafeMutableBufferPointer(rebasing: block[..<count])
        let requests = Requests()
        try world.startReceive(into: numbers, from: rank, tag: tag, in: requests)
        try Activity.waiting(for: "a checkpoint's part of rank \(rank)") { try requests.wait() }
        try writer.write(entry, from: row * length, UnsafeBufferPointer(numbers))
      }
    }
  }
}
