package import Checkpoints
import JSON
package import Networks
package import Safetensors
package import System

/// Writes a network's weights without training state, for other programs or for fine-tuning.
package enum NetworkExport {
  /// Returns the numbers of one of the network's tensors, in the order of its shape.
  package typealias Values = (NetworkTensor) throws(Failure) -> [Float]

  /// The weights in a checkpoint.
  /// - Throws: `Failure` (badData) if its header was changed.
  package static func values(of file: NetworkFile) throws(Failure) -> Values {
    let weights = try NetworkWeights(SafetensorsWeights(file.file), of: file.network)
    return { tensor throws(Failure) in try weights.read(tensor) }
  }

  /// Writes a safetensors file with PyTorch's names, which is also a checkpoint for prediction and
  /// fine-tuning.
  ///
  /// It holds only the network's tensors, so that PyTorch's `load_state_dict` accepts them. The
  /// metadata hold the network, the classes, the preprocessing with the mean image, and the
  /// checksums.
  /// - Parameters:
  ///   - network: The network.
  ///   - preprocessing: How it reads pictures.
  ///   - format: The format of the weights, `float32` or `bfloat16`; the mean image is in 32 bits.
  ///   - path: The file.
  ///   - values: The weights.
  /// - Throws: `Failure` (cannotCreate, inputOutput) if the file cannot be written, and what
  ///   `values` throws.
  package static func writeSafetensors(
    _ network: NetworkSpecification, _ preprocessing: Preprocessing,
    format: NumberFormat = .float32, to path: String, _ values: Values
  ) throws(Failure) {
    let tensors = network.tensors
    let texts = DescribedNetwork.texts(network, preprocessing, hasMean: true)
    let entries = tensors.map { (name: $0.name, format: format, shape: $0.shape) }
    var digests = CheckpointDigests(
      of: entries.map { .init(tensor: $0.name, rows: 0..<($0.shape.first ?? 1)) })
    let header = digests.signedHeader(texts, entries)
    let file = try WholeFile(path)
    let writer = try SafetensorsWriter(
      beginning: file.descriptor, path, header, remedy: WholeFile.remedy)
    for tensor in tensors {
      let entry = writer.entry(tensor.name)
      let numbers = try values(tensor)
      if format == .bfloat16 {
        try write(numbers.map(BFloat16.bits(of:)), entry, writer, &digests)
      } else {
        try write(numbers, entry, writer, &digests)
      }
    }
    try writer.rewriteHeader(digests.signedHeader(texts, entries))
    try writer.finish()
    try file.publish()
  }

  /// Writes a .npz file with one array per tensor under PyTorch's names.
  ///
  /// It also holds the mean image as `preprocessing.mean`, and in `__metadata__` the bytes of a
  /// JSON object with the strings that safetensors has in its metadata.
  /// - Throws: `Failure` (cannotCreate, inputOutput) if the file cannot be written, and what
  ///   `values` throws.
  package static func writeNumPy(
    _ network: NetworkSpecification, _ preprocessing: Preprocessing, to path: String,
    _ values: Values
  ) throws(Failure) {
    let writer = try NumPyArchiveWriter(creating: path)
    let side = network.imageSide
    for tensor in network.tensors {
      try append(tensor.name, tensor.shape, try values(tensor), to: writer)
    }
    try append(NetworkFile.meanName, [side, side, 3], preprocessing.mean, to: writer)
    let texts = DescribedNetwork.texts(network, preprocessing, hasMean: false)
    try writer.append(
      NumPyArchive.metadataName, bytes: Array(JSONText.encode(texts, isPretty: false).utf8))
    try writer.finish()
  }

  private static func append(
    _ name: String, _ shape: [Int], _ numbers: [Float], to writer: NumPyArchiveWriter
  ) throws(Failure) {
    try numbers.withUnsafeBufferPointer { numbers throws(Failure) in
      try writer.append(name, shape: shape, numbers)
    }
  }

  private static func write<Number: BitwiseCopyable>(
    _ numbers: [Number], _ entry: TensorEntry, _ writer: SafetensorsWriter,
    _ digests: inout CheckpointDigests
  ) throws(Failure) {
    try numbers.withUnsafeBufferPointer { numbers throws(Failure) in
      digests.note(
        SHA256.digest(of: UnsafeRawBufferPointer(numbers)),
        of: .init(tensor: entry.name, rows: 0..<(entry.shape.first ?? 1)))
      try writer.write(entry, numbers)
    }
  }
}
