import AlexNet
public import Failures
import Glibc
import Layers
import MPI
import ModelParallel
public import Safetensors

/// The state of a run in one safetensors file, whatever the number of ranks.
///
/// Weights have PyTorch's names and layout, their velocities the same names after `velocity.`, the mean image
/// is `preprocessing.mean`; the network, the settings, the state and the class names are JSON texts in the
/// metadata. Each rank writes the kernels of its own towers.
public enum Checkpoint {
  static let velocityPrefix = "velocity."
  /// Numbers that are converted and written at a time.
  private static let blockLength = 1 << 20

  /// Writes a checkpoint; all ranks of the network's group call it together.
  ///
  /// The file is filled under another name, brought to the disk and renamed when every rank's part is there,
  /// so that whatever stands under the final name is whole.
  static func save(
    _ network: Network, settings: TrainingSettings, state: TrainingState,
    preprocessing: Preprocessing, to path: String
  ) throws {
    let group = network.placement.all
    let temporary = path + ".partial"
    let header = header(network, settings, state, preprocessing)
    if group.rank == 0 { try SafetensorsWriter.create(temporary, header) }
    try group.barrier()
    let writer = try SafetensorsWriter(opening: temporary, header)
    if group.rank == 0 {
      try preprocessing.mean.withUnsafeBufferPointer { mean throws(Failure) in
        try writer.write(writer.entry(NetworkFile.meanName), mean)
      }
    }
    for parameter in network.savedParameters {
      for (prefix, tensor) in [("", parameter.value), (velocityPrefix, parameter.velocity)] {
        let entry = writer.entry(prefix + parameter.name)
        try forEachBlock(of: parameter) { kernels, block throws(Failure) in
          let length = parameter.layout.kernelLength
          for (row, kernel) in kernels.enumerated() {
            parameter.layout.getKernel(kernel, of: tensor, into: block + row * length)
          }
          try writer.write(
            entry, from: (parameter.kernels.lowerBound + kernels.lowerBound) * length,
            UnsafeBufferPointer(start: block, count: kernels.count * length))
        }
      }
    }
    try writer.finish()
    try group.barrier()
    if group.rank == 0 {
      guard rename(temporary, path) == 0 else {
        throw Failure.system(.inputOutput, "\(quoted(path)) cannot be published", errno: errno)
      }
      let folder = open(
        String(path.prefix(upTo: path.lastIndex(of: "/") ?? path.endIndex)), O_RDONLY)
      if folder >= 0 {
        fsync(folder)
        close(folder)
      }
    }
    try group.barrier()
  }

  /// Reads the settings and the state of a checkpoint.
  /// - Throws: `Failure` (badData) where the file is no checkpoint of this program, or of a newer one.
  public static func describe(
    _ file: SafetensorsFile
  ) throws(Failure) -> (settings: TrainingSettings, state: TrainingState) {
    try NetworkFile.checkFormat(file)
    let texts = file.header.metadata
    guard let settings = texts["settings"], let state = texts["state"] else {
      throw Failure(.badData, "\(quoted(file.path)) holds no state of a training.")
    }
    return (
      try JSONText.decode(TrainingSettings.self, settings, from: file.path),
      try JSONText.decode(TrainingState.self, state, from: file.path)
    )
  }

  /// Reads weights and velocities into a network; each rank reads the kernels of its own towers.
  /// - Throws: `Failure` (badData) where a tensor is missing or of another shape.
  static func load(_ file: SafetensorsFile, into network: Network) throws(Failure) {
    try NetworkFile(file).readWeights(into: network)
    for parameter in network.parameters {
      try file.read(velocityPrefix + parameter.name, of: parameter, into: parameter.velocity)
    }
  }

  private static func header(
    _ network: Network, _ settings: TrainingSettings, _ state: TrainingState,
    _ preprocessing: Preprocessing
  ) -> SafetensorsHeader {
    var seen: Set<String> = []
    // Two towers in one process name each tensor twice.
    let tensors = network.parameters.filter { seen.insert($0.name).inserted }
      .map { (name: $0.name, format: NumberFormat.float32, shape: $0.canonicalShape) }
    let side = network.specification.imageSide
    return SafetensorsHeader(
      metadata: [
        "settings": JSONText.encode(settings, isPretty: false),
        "state": JSONText.encode(state, isPretty: false),
      ].merging(NetworkFile.metadata(network.specification, preprocessing)) { first, _ in first },
      tensors: tensors + tensors.map { (velocityPrefix + $0.name, $0.format, $0.shape) }
        + [(NetworkFile.meanName, .float32, [side, side, 3])])
  }

  private static func forEachBlock(
    of parameter: Parameter,
    _ body: (_ kernels: Range<Int>, _ block: UnsafeMutablePointer<Float>) throws(Failure) -> Void
  ) throws(Failure) {
    let length = parameter.layout.kernelLength
    let count = parameter.layout.kernels
    let rows = max(1, min(count, blockLength / max(1, length)))
    let block = UnsafeMutablePointer<Float>.allocate(capacity: rows * length)
    defer { block.deallocate() }
    var kernel = 0
    while kernel < count {
      let kernels = kernel..<min(count, kernel + rows)
      try body(kernels, block)
      kernel = kernels.upperBound
    }
  }
}
