import Checkpoints
import JSON
import Layers
import Networks
package import Safetensors
package import System
package import Towers

/// The state of a run in one safetensors file, with any number of ranks.
///
/// Weights have PyTorch's names and layout, their velocities the same names after `velocity.`, the
/// mean image is `preprocessing.mean`. The network, the settings, the state and the class names are
/// JSON strings in the metadata, next to the checksums (`CheckpointDigests`). Each rank writes the
/// kernels of its own towers.
package enum Checkpoint {
  static let velocityPrefix = "velocity."
  /// The number of values that are converted and written at a time.
  private static let blockLength = 1 << 20

  /// How many rows of a tensor are converted, written and sent at a time.
  static func rows(ofLength length: Int) -> Int { max(1, blockLength / max(1, length)) }

  /// Reads the settings and the state of a checkpoint.
  /// - Throws: `Failure` (badData) if the file is not a checkpoint, or one of a newer program, its
  ///   header was changed, or a setting has an invalid value.
  package static func describe(
    _ file: SafetensorsFile
  ) throws(Failure) -> (settings: TrainingSettings, state: TrainingState) {
    try NetworkFile.checkFormat(file)
    _ = try CheckpointDigests(file)
    let texts = file.header.metadata
    guard let settings = texts["settings"], let state = texts["state"] else {
      throw Failure(.badData, "\(quoted(file.path)) holds no training state.")
    }
    let read = (
      settings: try TrainingSettings(settings, from: file.path),
      state: try JSONText.decode(TrainingState.self, state, from: file.path)
    )
    try read.state.validate(from: file.path)
    return read
  }

  /// Compares the steps in a checkpoint's name with those in its contents, since a copy may have a
  /// checkpoint name.
  /// - Parameters:
  ///   - name: The file's path, relative to `folder` if given.
  ///   - folder: An open folder.
  /// - Returns: The error; nil if both agree, the name gives no steps, or the file is damaged,
  ///   which its reader reports.
  package static func misnaming(of name: String, in folder: HeldFolder? = nil) -> Failure? {
    struct Steps: Decodable { let step: Int }
    let last = name.split(separator: "/").last.map(String.init) ?? name
    guard let steps = CheckpointName.steps(last),
      let file = try? SafetensorsFile(opening: name, in: folder),
      let text = file.header.metadata["state"],
      let state = try? JSONText.decode(Steps.self, text, from: file.path), state.step != steps,
      SettingBounds.maxSteps.contains(state.step)
    else { return nil }
    return Failure(
      .badData,
      "\(quoted(file.path)) holds step \(state.step), but its name says another step, as if it "
        + "were a copy; rename it or remove it.")
  }

  /// Reads weights and velocities into a network; each rank reads and checks the kernels of its own
  /// towers.
  /// - Throws: `Failure` (badData) if a tensor is missing, unknown, of another shape, damaged or
  ///   not finite.
  package static func load(_ file: SafetensorsFile, into network: Network) throws(Failure) {
    let known = Set(tensors(of: network).map(\.name))
    if let other = file.header.tensors.first(where: { !known.contains($0.name) }) {
      throw Failure(
        .badData,
        "\(quoted(file.path)) holds a tensor \(quoted(other.name)) that the network does not have.")
    }
    let file = try NetworkFile(file)
    try file.readWeights(into: network)
    for parameter in network.parameters {
      try file.read(velocityPrefix, of: parameter, into: parameter.velocity)
    }
  }

  /// The tensors of a network's checkpoint, in order.
  static func tensors(
    of network: Network
  ) -> [(name: String, format: NumberFormat, shape: [Int])] {
    var seen: Set<String> = []
    // With two towers in one process, each tensor occurs twice.
    let tensors = network.parameters.filter { seen.insert($0.name).inserted }
      .map { (name: $0.name, format: NumberFormat.float32, shape: $0.canonicalShape) }
    let side = network.specification.imageSide
    return tensors + tensors.map { (velocityPrefix + $0.name, $0.format, $0.shape) }
      + [(NetworkFile.meanName, .float32, [side, side, 3])]
  }

  /// Visits a parameter's kernels in blocks, which limits the memory for their conversion.
  static func forEachBlock<Problem: Error>(
    of parameter: Parameter,
    _ body: (_ kernels: Range<Int>, _ block: UnsafeMutablePointer<Float>) throws(Problem) -> Void
  ) throws(Problem) {
    let length = parameter.layout.kernelLength
    let count = parameter.layout.kernels
    let rows = min(max(1, count), self.rows(ofLength: length))
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
