import Checkpoints
import Glibc
import Layers
import Safetensors
import System
import Tensors

/// Copies a rank's part of a checkpoint, which a background thread then hashes, writes and syncs to
/// disk.
///
/// Every copy uses the same memory: eight bytes for each parameter of this rank, for weight and
/// velocity. No other copy can be made while it is being written. The thread never calls MPI.
final class CheckpointWriter: @unchecked Sendable {
  private let folder: HeldFolder
  private let parameters: [Parameter]
  private let mean: [Float]?
  private var copies: [(value: Tensor, velocity: Tensor)] = []
  private let job = BackgroundJob()
  // Written by the thread, read by others when it has finished.
  private var outcome: Result<[CheckpointDigests.Part: String], Failure> = .success([:])

  /// - Parameters:
  ///   - folder: The run's folder.
  ///   - parameters: The parameters that this rank writes.
  ///   - mean: The mean image, in the rank that writes it.
  init(in folder: HeldFolder, _ parameters: [Parameter], mean: [Float]?) {
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
    let writer = try SafetensorsWriter(opening: name, in: folder, header)
    if let mean {
      let entry = writer.entry(NetworkFile.meanName)
      digests[.init(tensor: entry.name, rows: 0..<(entry.shape.first ?? 0))] =
        try mean.withUnsafeBufferPointer { mean throws(Failure) in
          try writer.write(entry, mean)
          let sum = SHA256()
          sum.update(UnsafeRawBufferPointer(mean))
          return sum.finish()
        }
    }
    for (parameter, copy) in zip(parameters, copies) where !parameter.kernels.isEmpty {
      for (prefix, tensor) in [("", copy.value), (Checkpoint.velocityPrefix, copy.velocity)] {
        let entry = writer.entry(prefix + parameter.name)
        let length = parameter.layout.kernelLength
        let sum = SHA256()
        try Checkpoint.forEachBlock(of: parameter) { kernels, block throws(Failure) in
          for (row, kernel) in kernels.enumerated() {
            parameter.layout.getKernel(kernel, of: tensor, into: block + row * length)
          }
          let numbers = UnsafeBufferPointer(start: block, count: kernels.count * length)
          sum.update(UnsafeRawBufferPointer(numbers))
          try writer.write(
            entry, from: (parameter.kernels.lowerBound + kernels.lowerBound) * length, numbers)
        }
        digests[parameter.part(prefix)] = sum.finish()
      }
    }
    try writer.finish()
    return digests
  }
}
